/**
 * Stands for cliui and string-width in our yargs. They lay out the help that yargs prints, which we never ask it
 * for (help.ts), and prepare for every emoji there is: 30 ms of each start with an option.
 */
export default function noLayout(): never {
  throw new Error('yargs was asked to lay out text');
}
