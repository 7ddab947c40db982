/** Ending this process. Taken before anybody's loader runs: to those process.exit is denied (src/plugins/guard.ts). */
export const exit: (status: number) => never = process.exit.bind(process);
