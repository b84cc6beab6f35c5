import type { ExpressionProblem } from './scope.js';

/** What a condition that is no CEL lacks, where, and what to write instead, for whoever wrote it. */
export function describeCelError(text: string, offset: number): ExpressionProblem {
  const unit = unitAt(text, offset);
  if (unit !== undefined) return unit;
  return { offset, message: `The condition can't be read here: ${hintAt(text, offset)}.` };
}

/** `5m` without quotes, and `1500ppm`. */
function unitAt(text: string, offset: number): ExpressionProblem | undefined {
  for (const { 0: word, 1: number, 2: unit = '', index } of text.matchAll(/\b(\d+)([A-Za-z]+)\b/g)) {
    if (offset < index || offset > index + word.length) continue;
    const time = /^(s|sec|m|min|h|d)/i.exec(unit)?.[0].charAt(0).toLowerCase();
    const isInCall = /\(([^()]*),\s*$/.test(text.slice(0, index));
    const message =
      isInCall && time !== undefined
        ? `A time goes in quotes: write "${number}${time}" in place of ${word}.`
        : `A number has no unit behind it: write ${number} in place of ${word}.`;
    return { offset: index, message };
  }
  return undefined;
}

/** What people write in place of CEL's operators, and what CEL wants. */
function hintAt(text: string, offset: number): string {
  const rest = text.slice(offset);
  const [opening, closing] = [text.split('(').length, text.split(')').length];
  if (/^["']/.test(rest) && rest.indexOf(rest.charAt(0), 1) === -1) return 'a quotation mark is not closed';
  if (rest === '') return opening > closing ? 'a ")" is missing' : 'something is missing at its end';
  if (/^\)/.test(rest) && closing > opening) return 'there is a ")" without its "("';
  const swapped = /^=([<>])/.exec(rest)?.[1];
  if (swapped !== undefined) return `write "${swapped}=" in place of "=${swapped}"`;
  if (/^[=<>!]/.test(rest) || /[=<>]$/.test(text.slice(0, offset))) {
    return /^=[^<>=]/.test(rest) ? 'write "==" to compare' : 'a comparison is one of ==, !=, <, <=, > and >=';
  }
  if (/^and\b/i.test(rest)) return 'write "&&" in place of "and"';
  if (/^or\b/i.test(rest)) return 'write "||" in place of "or"';
  if (/^not\b/i.test(rest) || /^not\b/i.test(text)) return 'write "!" in place of "not"';
  if (/^,\d/.test(rest) && /\d$/.test(text.slice(0, offset))) return 'write a number without a comma';
  if (/^[^\x20-\x7e]/.test(rest)) return 'use the ASCII character in place of the full-width one';
  return `something is wrong before "${rest.length > 30 ? `${rest.slice(0, 30)}…` : rest}"`;
}
