import { closeSync, copyFileSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs';

/**
 * The log file of one child: the child writes to it itself, so that it goes on when the supervisor is
 * killed. At most one old file is kept.
 */
export class ChildLog {
  readonly file: string;
  /** Opened for appending: what the child writes after `bound` goes to the new end. */
  readonly fd: number;
  readonly #maxBytes: number;

  /** @param maxBytes @defaultValue 10 MiB */
  constructor(file: string, maxBytes = 10 * 1024 * 1024) {
    this.file = file;
    this.#maxBytes = maxBytes;
    this.fd = openSync(file, 'a', 0o600);
    this.bound();
  }

  /** Moves the content to `<file>.old` when it has grown too large. */
  bound(): void {
    if (statSync(this.file).size <= this.#maxBytes) return;
    copyFileSync(this.file, `${this.file}.old`);
    truncateSync(this.file, 0);
  }

  /** The last lines, for the reason of a failure. */
  tail(lines = 5): string {
    return readFileSync(this.file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  close(): void {
    closeSync(this.fd);
  }
}
