/**
 * The line on the terminal that says how far something long has come. It appears when half a second has passed, and
 * is gone before anything else is written there. Nothing of it is needed for a program that starts at once, so
 * whatever costs time is done when the line appears.
 */
import { isatty } from 'node:tty';
import { monotonic } from '../monotonic.ts';
import { terminalColumns } from '../native/libc.ts';
import type { OnProgress } from '../source/source.ts';
import { beforeOutput, clearForOthers, writeMore } from './output.ts';
import { type LineStyle, progressText } from './progress-text.ts';
import { COLUMNS, isUtf8Locale, wantsColor } from './text.ts';

/** Milliseconds. */
const PATIENCE = 500;
const REDRAW = 100;
/** Carriage return, and erase to the end of the line (console_codes(4)). */
const ERASE = '\r\x1b[K';

/** Shows on standard error, where that is a terminal, what it is told about the program called `name`. */
export function progressLine(name: string): OnProgress {
  let line: ProgressLine | undefined;
  return (what, done, total) => {
    line ??= new ProgressLine(name);
    line.tell(what, done, total);
  };
}

class ProgressLine {
  readonly #name: string;
  readonly #terminal = process.env['TERM'] !== 'dumb' && isatty(2);
  readonly #began = monotonic();
  #stage = { what: '', began: this.#began };
  #done = 0;
  #total: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the line was last drawn. */
  #drawn = 0;
  #shown = false;

  constructor(name: string) {
    this.#name = name;
  }

  tell(what: string, done: number, total?: number): void {
    if (!this.#terminal) return;
    const now = monotonic();
    if (what !== this.#stage.what || done < this.#done) this.#stage = { what, began: now };
    this.#done = done;
    this.#total = total;
    if (done === total) {
      if (this.#timer !== undefined) clearForOthers();
      return;
    }
    if (this.#timer === undefined) {
      beforeOutput(() => this.#clear());
      // Shows also that nothing comes any more.
      this.#timer = setInterval(() => this.#draw(monotonic()), REDRAW).unref();
    }
    // Where work leaves no time for timers.
    this.#draw(now);
  }

  #draw(now: number): void {
    if (now - this.#began < PATIENCE || now - this.#drawn < REDRAW) return;
    if (this.#drawn === 0) process.once('exit', clearForOthers);
    this.#drawn = now;
    this.#shown = true;
    const { what, began } = this.#stage;
    const report = {
      name: this.#name,
      what,
      done: this.#done,
      total: this.#total,
      milliseconds: now - began,
    };
    writeMore(2, ERASE + progressText(report, style()));
  }

  #clear(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#shown) writeMore(2, ERASE);
    this.#shown = false;
  }
}

function style(): LineStyle {
  // In its last column a terminal may begin a new line.
  const width = (terminalColumns(2) ?? COLUMNS) - 1;
  return { width, unicode: isUtf8Locale(), color: wantsColor(2) };
}
