const code = { quote: 0x22, backslash: 0x5c, comma: 0x2c } as const;

/**
 * The elements of a JSON array as the bytes that they are written in, found in one pass and at any depth of
 * nesting: writing a parsed element again would fail for a deep one. The bytes must be a valid JSON array.
 */
export function arrayElements(json: Buffer): readonly Buffer[] {
  const elements: Buffer[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === code.quote) at = endOfString(json, at);
    else if (byte === 0x5b || byte === 0x7b) {
      if (depth++ === 0) start = at + 1;
    } else if (byte === 0x5d || byte === 0x7d) {
      if (--depth === 0) elements.push(json.subarray(start, at));
    } else if (byte === code.comma && depth === 1) {
      elements.push(json.subarray(start, at));
      start = at + 1;
    }
  }
  return elements;
}

/** The position of the quote that ends the string whose first quote is at `from`. */
function endOfString(json: Buffer, from: number): number {
  let at = from + 1;
  while (at < json.length && json[at] !== code.quote) at += json[at] === code.backslash ? 2 : 1;
  return at;
}
