import type { DeviceClass } from '../device-class.js';
import { metricsOf } from '../metric.js';
import type { MetricValue } from '../telemetry.js';
import { convertUnit } from './unit.js';

/**
 * What vendors call our metrics, in small letters without anything but letters and digits. Only names that
 * mean one thing: "eco2" is an estimate and no CO2; "voc" and "light level" are steps as often as quantities.
 */
const wellKnown: Readonly<Record<string, string>> = {
  temperature: 'temp_c',
  temp: 'temp_c',
  ambienttemperature: 'temp_c',
  airtemperature: 'temp_c',
  humidity: 'rh_pct',
  relativehumidity: 'rh_pct',
  rh: 'rh_pct',
  co2: 'co2_ppm',
  carbondioxide: 'co2_ppm',
  pm25: 'pm25_ugm3',
  pm10: 'pm10_ugm3',
  illuminance: 'lux',
  illumination: 'lux',
  occupancy: 'occupied',
  presence: 'occupied',
  battery: 'battery_pct',
  batterylevel: 'battery_pct',
  rssi: 'rssi_dbm',
  uptime: 'uptime_s',
  clients: 'clients',
};

/** The same for names whose values come in more than one unit: only with the unit given. */
const withUnitOnly: Readonly<Record<string, string>> = {
  formaldehyde: 'hcho_mgm3',
  hcho: 'hcho_mgm3',
  tvoc: 'tvoc_mgm3',
  co: 'co_mgm3',
  carbonmonoxide: 'co_mgm3',
  noise: 'laeq_dba',
  soundlevel: 'laeq_dba',
  laeq: 'laeq_dba',
};

export interface Quantity {
  readonly metric: string;
  readonly value: MetricValue;
}

/**
 * A vendor's value as one of our metrics, by our own name of it or a well-known one, in our unit. Undefined
 * where the class has no such metric, the unit can't be converted or the value is none: the caller counts it as
 * ignored.
 * @param unit the vendor's unit; without one the value is taken to be in ours
 */
export function readQuantity(
  deviceClass: DeviceClass,
  name: string,
  value: unknown,
  unit?: string,
): Quantity | undefined {
  const metric = metricNamed(deviceClass, name, unit !== undefined);
  const definition = metric === undefined ? undefined : metricsOf[deviceClass][metric];
  if (metric === undefined || definition === undefined) return undefined;
  if (definition.kind === 'word') return typeof value === 'string' ? { metric, value } : undefined;
  const plain = typeof value === 'boolean' ? Number(value) : value;
  if (typeof plain !== 'number' || !Number.isFinite(plain)) return undefined;
  const converted =
    unit === undefined || unit === '' ? plain : convertUnit(plain, unit, unitOf(metric, definition.unit));
  return converted === undefined ? undefined : { metric, value: converted };
}

/** Whether the name stands for a metric of the class, whatever its value and unit. */
export function isQuantity(deviceClass: DeviceClass, name: string): boolean {
  return metricNamed(deviceClass, name, true) !== undefined;
}

function metricNamed(deviceClass: DeviceClass, name: string, hasUnit: boolean): string | undefined {
  const known = metricsOf[deviceClass];
  if (Object.hasOwn(known, name)) return name;
  const letters = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const metric = lookup(wellKnown, letters) ?? (hasUnit ? lookup(withUnitOnly, letters) : undefined);
  return metric !== undefined && Object.hasOwn(known, metric) ? metric : undefined;
}

function lookup(table: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Counters have no unit of their own; the end of their name says what they count. */
function unitOf(metric: string, unit: string): string {
  if (unit !== '') return unit;
  if (metric.endsWith('_s')) return 's';
  if (metric.endsWith('_hours')) return 'h';
  return metric.endsWith('_bytes') ? 'B' : '';
}
