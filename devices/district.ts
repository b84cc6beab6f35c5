import { readWord } from './words.js';
import type { Vocabulary } from './words.js';

export type District = 'chancheng' | 'nanhai' | 'shunde' | 'gaoming' | 'sanshui';

/** The districts of Foshan. */
export const districtWords: Vocabulary<District> = {
  chancheng: { zh: '禅城区', en: 'Chancheng', also: ['禅城'] },
  nanhai: { zh: '南海区', en: 'Nanhai', also: ['南海'] },
  shunde: { zh: '顺德区', en: 'Shunde', also: ['顺德'] },
  gaoming: { zh: '高明区', en: 'Gaoming', also: ['高明'] },
  sanshui: { zh: '三水区', en: 'Sanshui', also: ['三水'] },
};

/** The district that somebody means by `禅城`, `禅城区` or `Chancheng`; undefined when none of the city's. */
export function parseDistrict(text: string): District | undefined {
  return readWord(districtWords, text);
}
