import { nearest } from '../did-you-mean.js';
import { idPattern } from '../topic.js';
import { readWord, valuesOf } from '../words.js';
import type { Vocabulary } from '../words.js';

/** What a cell says, or one sentence on what is wrong with it and what to write instead. */
export type CellOutcome<Value> = { readonly value: Value } | { readonly wrong: string };

/** How the cells of a column are read (never an empty one) and written. */
export interface CellFormat<Value> {
  read(text: string): CellOutcome<Value>;
  write(value: Value): string;
}

const asIs = (value: string) => value;
const longestText = 128;

export const idCell: CellFormat<string> = {
  read(text) {
    if (idPattern.test(text)) return { value: text };
    const narrow = text.normalize('NFKC').replace(/\s+/g, '-');
    const hint = narrow !== text && idPattern.test(narrow) ? ` Did you mean "${narrow}"?` : '';
    return {
      wrong: `"${shown(text)}" is no id: use up to 64 letters, digits, ".", "_" or "-", beginning with a letter or digit.${hint}`,
    };
  },
  write: asIs,
};

/** `device-id` or `gateway-id#port`. */
export const parentCell: CellFormat<string> = {
  read(text) {
    const [device = '', port, ...rest] = text.normalize('NFKC').split('#');
    const isPort = port === undefined || /^[A-Za-z0-9][A-Za-z0-9/._-]{0,31}$/.test(port);
    if (rest.length > 0 || !idPattern.test(device) || !isPort) {
      return { wrong: `"${shown(text)}" is no parent: write a device's id, or gateway-id#port.` };
    }
    return { value: port === undefined ? device : `${device}#${port}` };
  },
  write: asIs,
};

export const textCell: CellFormat<string> = {
  read(text) {
    if (text.length > longestText)
      return { wrong: `the text has ${text.length} characters: use at most ${longestText}.` };
    if (/\p{Cc}/u.test(text))
      return { wrong: 'the text has a line break or control character: write it in one line.' };
    return { value: text };
  },
  write: asIs,
};

/** A text of letters and digits that a spreadsheet program takes for a number unless told otherwise. */
export const serialCell: CellFormat<string> = {
  read(text) {
    if (/^\d(\.\d+)?E\+\d+$/i.test(text)) {
      return {
        wrong: `"${text}" was shortened by the spreadsheet program: format the column as text and enter the whole number.`,
      };
    }
    return textCell.read(text);
  },
  write: asIs,
};

export function integerCell(least: number, most: number): CellFormat<number> {
  return {
    read(text) {
      const number = Number(text.normalize('NFKC').replace(/,(?=\d{3}\b)/g, ''));
      if (Number.isInteger(number) && number >= least && number <= most) return { value: number };
      return { wrong: `"${shown(text)}" must be a whole number from ${least} to ${most}.` };
    },
    write: String,
  };
}

export function wordCell<Value extends string>(vocabulary: Vocabulary<Value>): CellFormat<Value> {
  return {
    read(text) {
      const value = readWord(vocabulary, text);
      if (value !== undefined) return { value };
      const values = valuesOf(vocabulary);
      const names = values.map((each) => `${each} ${vocabulary[each].zh}`).join(', ');
      const near = nearest(text, values);
      return {
        wrong: `"${shown(text)}" is not known: write one of ${names}.${near === undefined ? '' : ` Did you mean "${near}"?`}`,
      };
    },
    write: asIs,
  };
}

/** A text from a file as it may stand in a message. */
export function shown(text: string): string {
  const clean = text.replace(/\p{C}/gu, '·');
  return clean.length > 40 ? `${clean.slice(0, 40)}…` : clean;
}
