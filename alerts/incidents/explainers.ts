import type { CityPlan, Vantage } from './city-plan.js';
import { byTime } from './desk-alarm.js';
import type { DeskAlarm } from './desk-alarm.js';

/** A way up: the alarm that explains another, and from how high. */
interface Explainer {
  readonly alarm: DeskAlarm;
  readonly height: number;
}

/**
 * Finds which active alarm explains another: one that names its symptom, stands above it, and is not itself
 * explained by it. Of several the highest counts, then the earliest.
 */
export class Explainers {
  #plan: CityPlan;
  /** Active alarms that explain something, by where they stand. */
  readonly #standing = new Map<string, Map<string, DeskAlarm>>();
  readonly #keyOf = new Map<string, string>();

  constructor(plan: CityPlan) {
    this.#plan = plan;
  }

  /** Goes by another plan of the city. */
  follow(plan: CityPlan): void {
    this.#plan = plan;
    const alarms = [...this.#standing.values()].flatMap((each) => [...each.values()]);
    this.#standing.clear();
    this.#keyOf.clear();
    for (const alarm of alarms) this.put(alarm);
  }

  /** Takes the alarm as it is now: one that is cleared explains nothing. */
  put(alarm: DeskAlarm): void {
    const before = this.#keyOf.get(alarm.id);
    if (before !== undefined) this.#standing.get(before)?.delete(alarm.id);
    this.#keyOf.delete(alarm.id);
    if (alarm.state !== 'active' || alarm.explains === undefined) return;
    const key = this.#plan.vantageOf(alarm);
    const there = this.#standing.get(key) ?? new Map<string, DeskAlarm>();
    there.set(alarm.id, alarm);
    this.#standing.set(key, there);
    this.#keyOf.set(alarm.id, key);
  }

  /** The alarm at the top of what explains the alarm; the alarm itself where nothing does. */
  rootOf(alarm: DeskAlarm): DeskAlarm {
    const visited = new Set<string>();
    let root = alarm;
    for (;;) {
      visited.add(root.id);
      const next = this.#explain(root)?.alarm;
      if (next === undefined || visited.has(next.id)) return root;
      root = next;
    }
  }

  #explain(alarm: DeskAlarm): Explainer | undefined {
    const { symptom } = alarm;
    if (symptom === undefined || this.#keyOf.size === 0) return undefined;
    for (const { key, height } of this.#plan.above(alarm)) {
      const found = [...(this.#standing.get(key)?.values() ?? [])]
        .filter((other) => other.id !== alarm.id && other.explains?.includes(symptom) === true)
        .filter((other) => this.#dominates({ alarm: other, height }, alarm))
        .sort(byTime)[0];
      if (found !== undefined) return { alarm: found, height };
    }
    return undefined;
  }

  /** Two alarms may each explain the other: then the higher one counts, or the earlier of two that are as high. */
  #dominates({ alarm: other, height }: Explainer, alarm: DeskAlarm): boolean {
    if (other.symptom === undefined || alarm.explains?.includes(other.symptom) !== true) return true;
    const standing = this.#plan.vantageOf(alarm);
    const back = this.#plan.above(other).find(({ key }: Vantage) => key === standing);
    if (back === undefined || height !== back.height) return back === undefined || height > back.height;
    return byTime(other, alarm) < 0;
  }
}
