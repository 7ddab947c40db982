/**
 * Loading yargs, which looks at process.stdout as it is imported. To look is to open: a shared pipe would
 * be non-blocking afterwards, also for the program that is to be started. So it looks at nothing instead.
 */
export async function loadYargs() {
  const descriptor = Object.getOwnPropertyDescriptor(process, 'stdout');
  Object.defineProperty(process, 'stdout', { value: {}, configurable: true });
  try {
    return (await import('yargs')).default;
  } finally {
    if (descriptor !== undefined) Object.defineProperty(process, 'stdout', descriptor);
  }
}
