/**
 * Loading yargs, which looks at process.stdout and for the current directory as it is imported. To look at the one is to open it: a
 * shared pipe would be non-blocking afterwards, also for the program that is to be started. The other may be gone. So
 * it sees neither.
 */
export async function loadYargs() {
  const own = (['stdout', 'cwd'] as const).map((name) => ({
    name,
    descriptor: Object.getOwnPropertyDescriptor(process, name),
  }));
  Object.defineProperty(process, 'stdout', { value: {}, configurable: true });
  Object.defineProperty(process, 'cwd', { value: () => '/', configurable: true });
  try {
    return (await import('yargs')).default;
  } finally {
    for (const { name, descriptor } of own)
      if (descriptor !== undefined) Object.defineProperty(process, name, descriptor);
  }
}
