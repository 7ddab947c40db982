/** The manifest of a Java archive (JAR File Specification, "JAR Manifest"). */

/**
 * The value of a main attribute. Names are of any case; a line that begins with a space goes on with the one before; the
 * first empty line ends the main section.
 */
export function mainAttribute(manifest: Uint8Array, name: string): string | undefined {
  const text = Buffer.from(manifest).toString('utf8').replace(/\r\n?/g, '\n');
  const end = text.indexOf('\n\n');
  const lines = (end < 0 ? text : text.slice(0, end)).replace(/\n /g, '').split('\n');
  const prefix = `${name.toLowerCase()}:`;
  const line = lines.find((each) => each.toLowerCase().startsWith(prefix));
  const value = line?.slice(prefix.length).trim();
  return value === '' ? undefined : value;
}
