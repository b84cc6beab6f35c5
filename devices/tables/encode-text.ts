import iconv from 'iconv-lite';

/** Encodings that tables are written in. */
export const writtenEncodings = ['utf-8', 'gb18030'] as const;
export type WrittenEncoding = (typeof writtenEncodings)[number];

/**
 * The bytes of a text file that Chinese spreadsheet programs read rightly: UTF-8 with the byte order mark by
 * which they know it, or GB18030, which is what they expect otherwise. Either reads back as the same text.
 */
export function encodeText(text: string, encoding: WrittenEncoding): Uint8Array {
  return encoding === 'utf-8' ? Buffer.from(`\ufeff${text}`, 'utf8') : iconv.encode(text, 'gb18030');
}
