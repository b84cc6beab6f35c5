/** Turns a value of the vendor's unit into one of ours. */
type Conversion = (value: number) => number;

const same: Conversion = (value) => value;
const times =
  (factor: number): Conversion =>
  (value) =>
    value * factor;

/** By our unit, by the spelling of the vendor's unit, without blanks and in small letters. */
const conversions: Readonly<Record<string, Readonly<Record<string, Conversion>>>> = {
  '°C': {
    '°c': same,
    c: same,
    cel: same,
    degc: same,
    celsius: same,
    '°f': (value) => ((value - 32) * 5) / 9,
    f: (value) => ((value - 32) * 5) / 9,
    degf: (value) => ((value - 32) * 5) / 9,
    fahrenheit: (value) => ((value - 32) * 5) / 9,
    k: (value) => value - 273.15,
    kelvin: (value) => value - 273.15,
  },
  '%': {
    '%': same,
    '%rh': same,
    '%el': same,
    percent: same,
    '/100': same,
    '/': times(100),
    '/1000': times(0.1),
  },
  ppm: { ppm: same, ppb: times(0.001), '/': times(1e6) },
  'µg/m³': {
    'µg/m³': same,
    'μg/m³': same,
    'ug/m3': same,
    'µg/m3': same,
    'mg/m³': times(1000),
    'mg/m3': times(1000),
  },
  'mg/m³': {
    'mg/m³': same,
    'mg/m3': same,
    'µg/m³': times(0.001),
    'μg/m³': times(0.001),
    'ug/m3': times(0.001),
    'µg/m3': times(0.001),
  },
  lx: { lx: same, lux: same },
  'dB(A)': { 'db(a)': same, dba: same, 'db[a]': same },
  dBm: { dbm: same },
  MHz: { mhz: same, hz: times(1e-6), ghz: times(1000) },
  ms: { ms: same, s: times(1000), us: times(0.001) },
  'Mbit/s': {
    'mbit/s': same,
    mbps: same,
    'bit/s': times(1e-6),
    bps: times(1e-6),
    'kbit/s': times(0.001),
    'gbit/s': times(1000),
  },
  W: { w: same, kw: times(1000), mw: times(0.001) },
  s: { s: same, ms: times(0.001), min: times(60), h: times(3600), d: times(86_400) },
  h: { h: same, min: times(1 / 60), s: times(1 / 3600) },
  B: { b: same, byte: same, bytes: same, kib: times(1024), mib: times(1_048_576) },
  '1/h': { '1/h': same, '1/min': times(60), '1/s': times(3600) },
};

/**
 * The value in our unit; undefined where the vendor's unit is none that we can convert. Rounded to six digits
 * after the point, so that 68 °F are 20 °C and not 19.999999999999996.
 */
export function convertUnit(value: number, from: string, to: string): number | undefined {
  const spelling = from.replace(/\s/g, '').toLowerCase();
  if (spelling === to.toLowerCase()) return value;
  const convert = conversions[to]?.[spelling];
  return convert === undefined ? undefined : Math.round(convert(value) * 1e6) / 1e6;
}
