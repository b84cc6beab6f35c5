import type { DeviceClass } from '../../devices/device-class.js';
import { metricsOf } from '../../devices/metric.js';
import type { Calendar } from '../calendar.js';
import type { CompiledRule } from '../rule.js';
import type { HistoryItem } from './history.js';
import { timeOf } from './history.js';

/** A rule that the history could not put to the test: that it never fired says nothing. */
export interface UnjudgedRule {
  readonly rule: string;
  /** In a few words. */
  readonly why: string;
}

/** What a history holds, as far as rules need it. */
export class HistoryContents {
  readonly #metrics = new Map<DeviceClass, Set<string>>();
  readonly #calendar: Pick<Calendar, 'phaseAt'>;
  #hasLessons = false;

  constructor(calendar: Pick<Calendar, 'phaseAt'>) {
    this.#calendar = calendar;
  }

  take(item: HistoryItem): void {
    const { deviceClass, site } = item.device;
    let metrics = this.#metrics.get(deviceClass);
    if (metrics === undefined) this.#metrics.set(deviceClass, (metrics = new Set()));
    if (!this.#hasLessons) {
      const phase = this.#calendar.phaseAt(site, timeOf(item));
      this.#hasLessons = phase === 'lesson' || phase === 'break';
    }
    if (item.kind !== 'reading') return;
    for (const name in item.reading.m) metrics.add(name);
    for (const part in item.reading.parts) for (const name in item.reading.parts[part]) metrics.add(name);
  }

  /** Of these rules those that it could not put to the test. */
  findUnjudged(rules: readonly CompiledRule[]): readonly UnjudgedRule[] {
    return rules.flatMap((rule) => {
      const why = this.#whyNot(rule);
      return why === undefined ? [] : [{ rule: rule.id, why }];
    });
  }

  #whyNot({ classes, steps }: CompiledRule): string | undefined {
    if (!classes.some((each) => this.#metrics.has(each))) return `no ${classes.join(' or ')} in the history`;
    const reasons = steps.map(({ condition: { text } }) => this.#whyNotStep(text, classes));
    return reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined;
  }

  #whyNotStep(text: string, classes: readonly DeviceClass[]): string | undefined {
    if (/\bfirmware\b/.test(text)) return 'history holds no firmware';
    if (onlyStale.test(text)) return 'history does not tell who hangs from who is gone';
    if (onlyLessons.test(text) && !this.#hasLessons) return 'no site had a lesson by a timetable';
    const reported = (name: string) => classes.some((each) => this.#metrics.get(each)?.has(name) === true);
    const words = [...new Set(text.match(/[a-z][a-z0-9_]*/g) ?? [])];
    const needed = words.filter((name) => classes.some((each) => Object.hasOwn(metricsOf[each], name)));
    const missing = needed.filter((name) => !reported(name));
    // Where it says "or", one of them may be enough.
    const isUnjudged = text.includes('||') ? missing.length === needed.length : missing.length > 0;
    return isUnjudged && needed.length > 0 ? `nobody reported ${missing.join(', ')}` : undefined;
  }
}

const onlyStale = /presence == "stale"/;
const onlyLessons = /phase == "(lesson|break)"|phase in \["(lesson|break)"(, "(lesson|break)")?\]/;
