import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { messageOf } from '../../runtime/app-error.js';
import { terminalWidth, wrapHanging } from './wrap-text.js';

/** What a step does; `say` tells what it is doing right now. */
type Work<T> = (say: (doing: string) => void) => Promise<T>;

/** What came of a step: a sentence, with a warning where it went on although something is not right. */
export type Outcome = string | { readonly warning: string };

/** Shows the steps of a start or stop as they happen: one live line on a terminal, plain lines elsewhere. */
export interface Steps {
  /**
   * Runs `work` as a step. What it resolves to is described by `outcome` when it is done. A failure is shown and thrown on.
   */
  run<T>(title: string, work: Work<T>, outcome?: (result: T) => Outcome): Promise<T>;
  /** A line between the steps. */
  note(line: string): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const titleWidth = 11;
const noteIndent = 14;

/** Steps on the given stream. Ctrl-C stays with the caller: the terminal is never put into raw mode. */
export function createSteps(output: NodeJS.WriteStream = process.stdout): Steps {
  return output.isTTY ? new LiveSteps(output) : new PlainSteps(output);
}

/** Steps that nobody sees, for tests and for `--json`. */
export const silentSteps: Steps = {
  run: (_title, work) => work(() => undefined),
  note: () => undefined,
};

class PlainSteps implements Steps {
  readonly #output: NodeJS.WritableStream;

  constructor(output: NodeJS.WritableStream) {
    this.#output = output;
  }

  async run<T>(title: string, work: Work<T>, outcome?: (result: T) => Outcome) {
    const startedAt = Date.now();
    const line = (mark: string, text: string) =>
      this.note(`${mark.padEnd(4)} ${title.padEnd(titleWidth)} ${text}`.trimEnd());
    const lastLine = (mark: string, text: string) => line(mark, `${text} (${seconds(startedAt)})`.trim());
    try {
      const result = await work((doing) => line('...', doing));
      const { text, isWarning } = read(outcome?.(result) ?? '');
      lastLine(isWarning ? 'WARN' : 'ok', text);
      return result;
    } catch (error) {
      // What else there is to say of it is said, in full, where the program ends.
      lastLine('FAIL', messageOf(error).split('\n', 1)[0] ?? '');
      throw error;
    }
  }

  note(line: string): void {
    this.#output.write(`${line}\n`);
  }
}

class LiveSteps implements Steps {
  readonly #output: WriteStream;
  #redraw: (() => void) | undefined;

  constructor(output: WriteStream) {
    this.#output = output;
  }

  async run<T>(title: string, work: Work<T>, outcome?: (result: T) => Outcome) {
    const startedAt = Date.now();
    let doing = '';
    let tick = 0;
    const line = (mark: string, text: string) =>
      `${mark} ${styleText('bold', title.padEnd(titleWidth))} ${text} ${styleText('dim', `(${seconds(startedAt)})`)}`;
    const redraw = () => {
      const mark = styleText('cyan', frames[tick++ % frames.length] ?? '');
      // A wrapped line could not be erased again.
      const room = Math.max(10, this.#output.columns - titleWidth - 14);
      this.#erase();
      this.#output.write(line(mark, doing.length > room ? `${doing.slice(0, room - 1)}…` : doing));
    };
    const timer = setInterval(redraw, 100);
    this.#redraw = redraw;
    redraw();
    try {
      const result = await work((now) => {
        doing = now;
        redraw();
      });
      const { text, isWarning } = read(outcome?.(result) ?? doing);
      this.#end(timer, line(isWarning ? styleText('yellow', '!') : styleText('green', '✔'), text));
      return result;
    } catch (error) {
      this.#end(timer, line(styleText('red', '✘'), doing));
      throw error;
    }
  }

  note(line: string): void {
    if (this.#redraw) this.#erase();
    this.#write(line);
    this.#redraw?.();
  }

  #end(timer: NodeJS.Timeout, line: string): void {
    clearInterval(timer);
    this.#redraw = undefined;
    this.#erase();
    this.#write(line);
  }

  #write(text: string): void {
    // What has lines of its own was laid out by who made it.
    const isOneLine = !text.includes('\n');
    this.#output.write(`${isOneLine ? wrapHanging(text, terminalWidth(this.#output), noteIndent) : text}\n`);
  }

  #erase(): void {
    this.#output.cursorTo(0);
    this.#output.clearLine(1);
  }
}

function read(outcome: Outcome): { readonly text: string; readonly isWarning: boolean } {
  return typeof outcome === 'string'
    ? { text: outcome, isWarning: false }
    : { text: outcome.warning, isWarning: true };
}

function seconds(sinceAt: number): string {
  return `${((Date.now() - sinceAt) / 1000).toFixed(1)} s`;
}
