/** The value of a variable that holds several, one a line. */
export const listIn = (text: string): string[] => text.split('\n').filter((line) => line !== '');
