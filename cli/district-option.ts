import { InvalidArgumentError } from 'commander';
import { districtWords, parseDistrict } from '../devices/district.js';
import type { District } from '../devices/district.js';
import { valuesOf } from '../devices/words.js';

/** Reads the value of an option that names a district. */
export function readDistrict(text: string): District {
  const district = parseDistrict(text);
  if (district !== undefined) return district;
  const names = valuesOf(districtWords).map((each) => `${each} ${districtWords[each].zh}`);
  throw new InvalidArgumentError(`It must be one of ${names.join(', ')}.`);
}
