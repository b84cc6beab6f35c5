/** How the bytes of a file are text. */
export type TextEncoding = 'utf-8' | 'gb18030' | 'utf-16le' | 'utf-16be';

/**
 * Reads a file that a spreadsheet program wrote: UTF-8 with or without byte order mark, GB18030 (which GBK and
 * GB2312 are parts of), or UTF-16 with one. Chinese text in GB18030 is not valid UTF-8, so trying tells.
 * @returns undefined when the bytes are none of these
 */
export function decodeText(
  bytes: Uint8Array,
): { readonly text: string; readonly encoding: TextEncoding } | undefined {
  for (const encoding of candidates(bytes)) {
    try {
      const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
      // A workbook or an archive may pass for GB18030; text has no such characters.
      return /[^\P{Cc}\s]/u.test(text) ? undefined : { text, encoding };
    } catch {
      // Not in this encoding.
    }
  }
  return undefined;
}

function candidates(bytes: Uint8Array): readonly TextEncoding[] {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return ['utf-16le'];
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return ['utf-16be'];
  return ['utf-8', 'gb18030'];
}
