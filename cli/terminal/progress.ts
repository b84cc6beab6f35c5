/** Draws how far something has come: a bar on a terminal, a line now and then elsewhere. */
export interface Progress {
  update(done: number, total: number, text: string): void;
  /** Ends the line of the bar. */
  end(): void;
}

const barWidth = 30;
const plainEveryMs = 5000;

/** On standard error, so that standard output holds the result alone. */
export function createProgress(output: NodeJS.WriteStream = process.stderr): Progress {
  let saidAt = Date.now();
  return {
    update(done, total, text) {
      if (output.isTTY) {
        output.cursorTo(0);
        output.write(`${formatBar(done, total)} ${text}`);
        output.clearLine(1);
      } else if (Date.now() - saidAt >= plainEveryMs) {
        saidAt = Date.now();
        output.write(`${text}\n`);
      }
    },
    end() {
      if (output.isTTY) output.write('\n');
    },
  };
}

/** E.g. `[=====>    ] 50 %`. */
export function formatBar(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(done / total, 1);
  const filled = Math.round(share * barWidth);
  return `[${'='.repeat(filled)}${' '.repeat(barWidth - filled)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
}
