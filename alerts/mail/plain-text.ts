import type { Wording } from './alarm-words.js';

/** The text part of a mail: all wordings, one below the other. */
export function renderText(wordings: readonly Wording[]): string {
  return `${wordings.map(renderOne).join('\n\n----------------------------------------\n\n')}\n`;
}

function renderOne(wording: Wording): string {
  const colon = wording.language === 'zh' ? '：' : ': ';
  return [
    ...wording.notes.map((note) => `※ ${note}\n`),
    `[${wording.badge}] ${wording.title}`,
    '',
    ...wording.facts.map(({ label, value }) => `${label}${colon}${value}`),
    '',
    `${wording.adviceHeading}${colon}${wording.advice}`,
    '',
    wording.reference,
  ].join('\n');
}
