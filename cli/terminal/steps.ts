import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

/** What a step does; `say` tells what it is doing right now. */
type Work<T> = (say: (doing: string) => void) => Promise<T>;

/** Shows the steps of a start or stop as they happen: one live line on a terminal, plain lines elsewhere. */
export interface Steps {
  /**
   * Runs `work` as a step. What it resolves to is described by `outcome` when it is done. A failure is shown and thrown on.
   */
  run<T>(title: string, work: Work<T>, outcome?: (result: T) => string): Promise<T>;
  /** A line between the steps. */
  note(line: string): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const titleWidth = 11;

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

  async run<T>(title: string, work: Work<T>, outcome?: (result: T) => string) {
    const startedAt = Date.now();
    const line = (mark: string, text: string) =>
      this.note(`${mark.padEnd(4)} ${title.padEnd(titleWidth)} ${text}`);
    try {
      const result = await work((doing) => line('...', doing));
      line('ok', `${outcome?.(result) ?? ''} (${seconds(startedAt)})`.trim());
      return result;
    } catch (error) {
      line('FAIL', `(${seconds(startedAt)})`);
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

  async run<T>(title: string, work: Work<T>, outcome?: (result: T) => string) {
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
      this.#output.write(line(mark, doing.slice(0, room)));
    };
    const timer = setInterval(redraw, 100);
    this.#redraw = redraw;
    redraw();
    try {
      const result = await work((now) => {
        doing = now;
        redraw();
      });
      this.#end(timer, line(styleText('green', '✔'), outcome?.(result) ?? doing));
      return result;
    } catch (error) {
      this.#end(timer, line(styleText('red', '✘'), doing));
      throw error;
    }
  }

  note(line: string): void {
    if (this.#redraw) this.#erase();
    this.#output.write(`${line}\n`);
    this.#redraw?.();
  }

  #end(timer: NodeJS.Timeout, line: string): void {
    clearInterval(timer);
    this.#redraw = undefined;
    this.#erase();
    this.#output.write(`${line}\n`);
  }

  #erase(): void {
    this.#output.cursorTo(0);
    this.#output.clearLine(1);
  }
}

function seconds(sinceAt: number): string {
  return `${((Date.now() - sinceAt) / 1000).toFixed(1)} s`;
}
