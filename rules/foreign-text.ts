import type { TextProblem } from '../devices/text-problem.js';

/**
 * Where and why the bytes of a file are not UTF-8 text; undefined where they are. It is not guessed what else they are:
 * a text read wrongly would be told to everybody who gets the mails.
 */
export function describeForeignText(bytes: Uint8Array): Omit<TextProblem, 'file'> | undefined {
  if (isText(bytes)) return undefined;
  if (bytes.includes(0) || bytes[0] === 0xff || bytes[0] === 0xfe)
    return { line: 1, column: 1, message: 'The file is no UTF-8 text; save it as UTF-8.' };
  // The longest part from the beginning that is text ends where it stops being text.
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (isText(bytes.subarray(0, middle), true)) good = middle;
    else bad = middle;
  }
  const before = new TextDecoder().decode(bytes.subarray(0, good)).replace(/\uFFFD+$/, '');
  const lines = before.split('\n');
  const message = 'Here is no UTF-8 (the file may be GBK or GB18030); save it as UTF-8.';
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1, message };
}

/** @param cut the last character may be incomplete */
function isText(bytes: Uint8Array, cut = false): boolean {
  try {
    return !new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: cut }).includes('\0');
  } catch {
    return false;
  }
}
