import { deviceClasses } from '../../devices/device-class.js';
import type { DeviceClass } from '../../devices/device-class.js';
import { Backtest } from '../../rules/backtest/backtest.js';
import type { BacktestResult } from '../../rules/backtest/backtest.js';
import type { HistoryItem } from '../../rules/backtest/history.js';
import { timeOf } from '../../rules/backtest/history.js';
import type { Period } from '../../rules/backtest/period.js';
import { warmUpMs } from '../../rules/backtest/warm-up.js';
import type { CompiledRule } from '../../rules/rule.js';
import { AppError } from '../../runtime/app-error.js';
import type { RecordingFormat } from '../../simulators/recording/recording.js';
import { createDeviceRefs } from '../history/device-refs.js';
import { readInfluxHistory } from '../history/influx-history.js';
import { openRecordedHistory } from '../history/recorded-history.js';
import { openHistory } from '../history/surroundings.js';
import type { Surroundings } from '../history/surroundings.js';
import type { Progress } from '../terminal/progress.js';
import { formatTime } from '../terminal/time.js';
import { parseTimeOption } from '../time-option.js';

/** What a backtest is asked to do. */
export interface BacktestOrder {
  readonly rules: readonly CompiledRule[];
  readonly oldRules?: readonly CompiledRule[] | undefined;
  /** As written; the default is the whole recording, or the last seven days. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly warmUpMs?: number | undefined;
  readonly site?: string | undefined;
  readonly deviceClass?: DeviceClass | undefined;
  readonly operators: number;
  readonly file?: string | undefined;
  readonly device?: string | undefined;
  readonly format?: RecordingFormat | undefined;
}

/** What came of it, with what it came of. */
export interface BacktestOutcome extends BacktestResult {
  readonly source: string;
  readonly period: Period;
  readonly warmUpFrom: number;
  readonly readings: number;
  readonly events: number;
  readonly late: number;
  /** Rows of a recording that the pipeline would quarantine. */
  readonly refused: number;
  readonly firstRefused: string | undefined;
  readonly devices: number;
  /** Wall seconds. */
  readonly seconds: number;
}

interface Source {
  readonly name: string;
  readonly period: Period;
  readonly warmUpFrom: number;
  readonly refused: () => { readonly count: number; readonly first: string | undefined };
  readonly slices: () => AsyncIterable<{ readonly until: number; readonly items: readonly HistoryItem[] }>;
}

const defaultDays = 7;
/** What a recorded file is of, where nobody says. */
const fileClass: DeviceClass = 'sensor';

/**
 * Plays history to the rules.
 * @throws AppError `bad_time`, `no_history`, `influx_unreachable`, and what a recording is refused for
 */
export async function runBacktest(
  order: BacktestOrder,
  surroundings: Surroundings,
  progress: Progress,
): Promise<BacktestOutcome> {
  const source =
    order.file === undefined
      ? await openInfluxSource(order, surroundings)
      : await openFileSource(order, order.file, surroundings);
  const { period, warmUpFrom } = source;
  const { settings, calendar } = surroundings;
  const deviceClass = order.deviceClass ?? (order.file === undefined ? undefined : fileClass);
  const ofClass = (rules: readonly CompiledRule[]) =>
    deviceClass === undefined ? rules : rules.filter(({ classes }) => classes.includes(deviceClass));
  const backtest = new Backtest({
    rules: ofClass(order.rules),
    oldRules: order.oldRules && ofClass(order.oldRules),
    calendar,
    period,
    warmUpFrom,
    latenessMs: settings.LATENESS_LIMIT_S * 1000,
  });
  const devices = new Set<string>();
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;
  for await (const { until, items } of source.slices()) {
    for (const item of items) {
      devices.add(item.device.id);
      backtest.take(item);
    }
    const { readings } = backtest.progress;
    const at = formatTime(until, settings.TIMEZONE);
    const rate = Math.round(readings / seconds()).toLocaleString('en');
    progress.update(
      until - warmUpFrom,
      period.until - warmUpFrom,
      `${at}, ${readings.toLocaleString('en')} readings, ${rate}/s`,
    );
  }
  progress.end();
  if (backtest.progress.readings + backtest.progress.events === 0)
    throw new AppError('no_history', describeNothing(source, order, settings.TIMEZONE));
  const result = backtest.finish(order.operators);
  const { count: refused, first: firstRefused } = source.refused();
  return {
    ...result,
    ...backtest.progress,
    source: source.name,
    period,
    warmUpFrom,
    refused,
    firstRefused,
    devices: devices.size,
    seconds: seconds(),
  };
}

function periodOf(
  { from, to }: BacktestOrder,
  { settings, now }: Surroundings,
  earliest: number,
  latest: number,
): Period {
  const read = (option: string, text: string) => parseTimeOption(option, text, settings.TIMEZONE, now);
  const until = to === undefined ? latest : read('--to', to);
  const period = { from: from === undefined ? earliest : read('--from', from), until };
  if (period.from < period.until) return period;
  const [a, b] = [period.from, period.until].map((at) => formatTime(at, settings.TIMEZONE));
  throw new AppError('bad_time', `--from (${a}) must be before --to (${b}): the period is empty.`);
}

function warmUpOf({ rules, oldRules = [], warmUpMs: given }: BacktestOrder): number {
  return given ?? Math.max(warmUpMs(rules), warmUpMs(oldRules));
}

async function openInfluxSource(order: BacktestOrder, surroundings: Surroundings): Promise<Source> {
  const { now, registry } = surroundings;
  const asked = periodOf(order, surroundings, now - defaultDays * 86_400_000, now);
  // Nothing has been heard yet of what is to come: everything would be silent.
  const period = { from: asked.from, until: Math.min(asked.until, now) };
  if (period.from >= period.until)
    throw new AppError('bad_time', 'The period lies in the future: there is no history of it yet.');
  const influx = await openHistory(surroundings);
  const warmUpFrom = period.from - warmUpOf(order);
  const wanted = new Set([...order.rules, ...(order.oldRules ?? [])].flatMap(({ classes }) => classes));
  const classes = deviceClasses.filter((each) => wanted.has(each) && each === (order.deviceClass ?? each));
  const refOf = createDeviceRefs(registry);
  const query = { influx, classes, site: order.site, refOf, from: warmUpFrom, until: period.until };
  return {
    name: `InfluxDB "${influx.database}"`,
    period,
    warmUpFrom,
    refused: () => ({ count: 0, first: undefined }),
    slices: () => readInfluxHistory(query),
  };
}

/** Rows at a time; the progress is shown as often. */
const sliceRows = 5000;

async function openFileSource(
  order: BacktestOrder,
  file: string,
  surroundings: Surroundings,
): Promise<Source> {
  const { deviceClass = fileClass, site, device, format } = order;
  const refOf = createDeviceRefs(surroundings.registry);
  const history = await openRecordedHistory(file, { deviceClass, site, device, format, refOf });
  const period = periodOf(order, surroundings, history.firstAt, history.latestAt + 1);
  // All that comes before the period warms up.
  const warmUpFrom = Math.max(history.firstAt, period.from - warmUpOf(order));
  async function* slices() {
    let items: HistoryItem[] = [];
    let until = warmUpFrom;
    for await (const item of history.read()) {
      const at = timeOf(item);
      if (at < warmUpFrom || at >= period.until) continue;
      items.push(item);
      until = Math.max(until, at);
      if (items.length < sliceRows) continue;
      yield { until, items };
      items = [];
    }
    yield { until, items };
  }
  return {
    name: file,
    period,
    warmUpFrom: Math.min(warmUpFrom, period.from),
    refused: () => history.refused,
    slices,
  };
}

function describeNothing(source: Source, { site, deviceClass }: BacktestOrder, timeZone: string): string {
  const { warmUpFrom, period } = source;
  const [from, to] = [warmUpFrom, period.until].map((at) => formatTime(at, timeZone));
  const whose = [
    ...(deviceClass === undefined ? [] : [`of class ${deviceClass}`]),
    ...(site === undefined ? [] : [`at site "${site}"`]),
  ];
  return `${source.name} holds no readings ${[...whose, `between ${from} and ${to}`].join(' ')}.`;
}
