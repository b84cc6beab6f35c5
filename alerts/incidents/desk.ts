import { isWorse } from '../../rules/alarm.js';
import type { OutboxEntry } from '../../rules/alarm.js';
import type { CityPlan } from './city-plan.js';
import { firstHeard, heardAgain, isOpen, keyOf, byTime } from './desk-alarm.js';
import type { DeskAlarm, Hold } from './desk-alarm.js';
import { ChangeBook } from './desk-changes.js';
import type { DeskChanges, DeskState, Shelf } from './desk-changes.js';
import { Explainers } from './explainers.js';
import type { Incident, IncidentEventKind, IncidentNotice } from './incident.js';
import { openIncident, recount } from './incident-record.js';

/** How long the desk waits for what; pipeline ms. */
export interface DeskTimes {
  /** For an alarm that explains another. */
  readonly waitMs: number;
  /** Alarms that are over sooner are fleeting: nobody could have acted. */
  readonly fleetingMs: number;
  /** After the last alarm of an incident is over, before the incident is. */
  readonly quietMs: number;
  /** After its root is over, before what is still active is judged afresh. */
  readonly graceMs: number;
}

/** Whether the place is under maintenance that somebody announced. */
export type InMaintenance = (alarm: DeskAlarm, at: number) => boolean;

const minuteMs = 60_000;
/** Chattering (EEMUA 191): three activations in a minute; over ten minutes, five are a design value. */
const chatter = { perMinute: 3, perTenMinutes: 5, windowMs: 10 * minuteMs };
/** A flood (ISA-18.2): more alarms than this in ten minutes. So many alike are told of together. */
const floodAlarms = 10;
const floodMs = 10 * minuteMs;
const mostNamed = 5;
/** More causes than this at one site at once are taken for one. */
const mostCauses = 3;

/**
 * Turns alarms into incidents. Pure: transitions, operators' actions, the plan of the city and the time go in,
 * changes come out. Which alarms end up together depends on what they are, not on the order in which the shards
 * tell of them, as long as they come within the wait.
 */
export class Desk {
  readonly #times: DeskTimes;
  #plan: CityPlan;
  #inMaintenance: InMaintenance = () => false;
  readonly #explainers: Explainers;
  readonly #alarms = new Map<string, DeskAlarm>();
  /** Active, in no incident, and nobody holds them back. */
  readonly #loose = new Set<string>();
  /** Cleared ones that are still here: their key may come again. */
  readonly #cleared = new Set<string>();
  readonly #latestOf = new Map<string, string>();
  readonly #incidents = new Map<string, Incident>();
  readonly #members = new Map<string, Set<string>>();
  readonly #dirty = new Set<string>();
  readonly #shelves = new Map<string, Shelf>();
  readonly #book = new ChangeBook();

  constructor(times: DeskTimes, plan: CityPlan, state: DeskState) {
    this.#times = times;
    this.#plan = plan;
    this.#explainers = new Explainers(plan);
    for (const incident of state.incidents) {
      this.#incidents.set(incident.id, incident);
      this.#members.set(incident.id, new Set());
    }
    for (const [key, shelf] of state.shelves) this.#shelves.set(key, shelf);
    for (const alarm of [...state.alarms].sort(byTime)) this.#keep(alarm);
  }

  /** Goes by another plan of the city and of maintenance. */
  follow(plan: CityPlan, inMaintenance: InMaintenance): void {
    this.#plan = plan;
    this.#inMaintenance = inMaintenance;
    this.#explainers.follow(plan);
  }

  find(alarm: string): DeskAlarm | undefined {
    return this.#alarms.get(alarm);
  }

  incident(id: string): Incident | undefined {
    return this.#incidents.get(id);
  }

  shelfOf(key: string): Shelf | undefined {
    return this.#shelves.get(key);
  }

  /** Takes a transition; one that it has already changes nothing. */
  take(entry: OutboxEntry, now: number): void {
    const { alarm } = entry;
    const known = this.#alarms.get(alarm.id);
    if (known !== undefined && known.revision >= alarm.revision) return;
    if (known === undefined) {
      this.#hear(entry, now);
      return;
    }
    const next = heardAgain(known, entry);
    if (next.state === 'active') {
      const waitsUntil = next.severity === 'critical' ? Math.min(now, next.waitsUntil) : next.waitsUntil;
      this.#put({ ...next, waitsUntil });
      return;
    }
    const { incident, hold, raisedAt, clearedAt = now } = next;
    const isFleeting =
      incident === undefined && hold === undefined && clearedAt - raisedAt < this.#times.fleetingMs;
    if (incident === undefined) this.#letChildrenRecover(known, now);
    this.#put({ ...next, hold: undefined, ...(isFleeting ? { fleeting: true } : {}) });
  }

  #hear(entry: OutboxEntry, now: number): void {
    const { alarm } = entry;
    const before = this.#alarms.get(this.#latestOf.get(keyOf(alarm.id)) ?? '');
    const recent = (before?.recent ?? []).filter((at) => at > alarm.raisedAt - chatter.windowMs).slice(-50);
    const heard = firstHeard(entry, now, recent);
    if (heard.state === 'cleared') {
      // Nobody heard of its beginning: there is nothing to tell of its end.
      this.#put(heard);
      return;
    }
    const { waitMs, fleetingMs } = this.#times;
    const waits =
      heard.safety === true || heard.severity === 'critical'
        ? 0
        : heard.symptom === undefined
          ? fleetingMs
          : waitMs;
    this.#put({ ...heard, waitsUntil: now + waits });
    this.#comeAgain(heard, before, now);
  }

  /** An alarm that comes again while the incident of its key is open belongs there, whatever explains it. */
  #comeAgain(heard: DeskAlarm, before: DeskAlarm | undefined, now: number): void {
    const incident = this.#incidents.get(before?.incident ?? '');
    const alarm = this.#alarms.get(heard.id);
    if (incident === undefined || before === undefined || alarm === undefined || incident.state !== 'open')
      return;
    this.#join(incident.id, [alarm]);
    const isRoot = incident.root.id === before.id;
    this.#change(incident.id, {
      activations: incident.activations + 1,
      ...(isRoot ? { root: alarm, recheckAt: undefined } : {}),
      ...(this.#isChattering(alarm) ? { chattering: true } : {}),
    });
    if (isRoot && incident.recheckAt !== undefined)
      this.#tell(incident.id, 'root_back', alarm.raisedAt, `its cause is back: ${alarm.title.en}`, [
        alarm.id,
      ]);
    if (!incident.chattering && this.#isChattering(alarm))
      this.#tell(
        incident.id,
        'chattering',
        now,
        `${alarm.key} comes and goes: ${alarm.recent.length} times in ten minutes; the incident stays open meanwhile`,
        [alarm.id],
      );
  }

  /** Goes on to a time: whoever waited long enough gets an incident, what is over is closed. */
  pass(now: number): void {
    this.#holdAndLift(now);
    this.#assign(now);
    this.#merge(now);
    this.#recheck(now);
    this.#settle(now);
    this.#forget(now);
  }

  /** The next time at which something is due, epoch ms; undefined: only when something happens. */
  nextDueAt(): number | undefined {
    let next = Infinity;
    for (const id of this.#loose) next = Math.min(next, this.#alarms.get(id)?.waitsUntil ?? Infinity);
    for (const { recheckAt, quietAt } of this.#incidents.values())
      next = Math.min(next, recheckAt ?? Infinity, quietAt ?? Infinity);
    for (const { until } of this.#shelves.values()) next = Math.min(next, until ?? Infinity);
    return next === Infinity ? undefined : next;
  }

  /** What came about since it was asked last. */
  takeChanges(): DeskChanges {
    return this.#book.take();
  }

  /** Holds all alarms of a key back, or (undefined) no more. */
  shelve(key: string, shelf: Shelf | undefined): void {
    if (shelf === undefined) this.#shelves.delete(key);
    else this.#shelves.set(key, shelf);
    this.#book.shelves.set(key, shelf);
  }

  /** Writes down what somebody did about an alarm. */
  note(alarm: DeskAlarm, text: string): void {
    this.#put(alarm);
    const action = alarm.actions.at(-1);
    if (alarm.incident === undefined || action === undefined) return;
    this.#dirty.add(alarm.incident);
    this.#book.events.push({
      incident: alarm.incident,
      event: {
        id: `operator~${alarm.id}~${alarm.actions.length}~${action.at}`,
        at: action.at,
        kind: 'operator',
        text,
        by: action.by,
        alarms: [alarm.id],
      },
    });
  }

  // --- who is held back -------------------------------------------------------------------------------------------

  #holdAndLift(now: number): void {
    for (const [key, { until }] of this.#shelves)
      if (until !== undefined && until <= now) this.shelve(key, undefined);
    for (const alarm of this.#alarms.values()) {
      if (alarm.state !== 'active') continue;
      const hold = this.#holdOf(alarm, now);
      if (isSameHold(hold, alarm.hold)) continue;
      if (hold === undefined) this.#comeBack(alarm, now);
      else this.#holdBack(alarm, hold, now);
    }
  }

  #holdOf(alarm: DeskAlarm, now: number): Hold | undefined {
    const shelf = this.#shelves.get(alarm.key);
    if (shelf?.kind === 'out_of_service') return { kind: 'out_of_service', by: shelf.by };
    if (shelf?.until !== undefined) return { kind: 'shelved', until: shelf.until, by: shelf.by };
    if (alarm.safety === true) return undefined;
    if (this.#inMaintenance(alarm, now)) return { kind: 'maintenance' };
    if (alarm.hold?.kind !== 'parent') return undefined;
    const parent = this.#alarms.get(alarm.hold.alarm);
    return parent?.state === 'active' && parent.hold !== undefined ? alarm.hold : undefined;
  }

  #holdBack(alarm: DeskAlarm, hold: Hold, now: number): void {
    const incident = this.#incidents.get(alarm.incident ?? '');
    this.#put({ ...alarm, hold });
    if (incident === undefined) return;
    this.#tell(incident.id, 'held', now, `${alarm.key} is held back: ${describeHold(hold)}`, [alarm.id]);
    if (incident.root.id !== alarm.id || incident.cause !== 'alarm' || hold.kind === 'parent') return;
    for (const child of this.#membersOf(incident.id))
      if (child.id !== alarm.id && isOpen(child))
        this.#put({ ...child, hold: { kind: 'parent', alarm: alarm.id } });
  }

  /** Nobody holds it back any more, and it is still active: it is as if it came now. */
  #comeBack(alarm: DeskAlarm, now: number): void {
    const incident = this.#incidents.get(alarm.incident ?? '');
    const graceMs = alarm.hold?.kind === 'parent' ? this.#times.graceMs : 0;
    const back = { ...alarm, hold: undefined, waitsUntil: now + graceMs };
    this.#put(incident?.state === 'open' ? back : { ...back, incident: undefined });
  }

  // --- who belongs where ------------------------------------------------------------------------------------------

  #assign(now: number): void {
    const due: DeskAlarm[] = [];
    const joining = new Map<string, DeskAlarm[]>();
    const childrenOf = new Map<string, DeskAlarm[]>();
    const floods = this.#openFloods();
    for (const id of this.#loose) {
      const alarm = this.#alarms.get(id);
      if (alarm === undefined) continue;
      const root = alarm.safety === true ? alarm : this.#explainers.rootOf(alarm);
      if (root.id === id) {
        const flood = alarm.safety === true ? undefined : floods.get(alikeKey(alarm));
        if (flood !== undefined) add(joining, flood, alarm);
        else if (alarm.waitsUntil <= now || this.#isChattering(alarm)) due.push(alarm);
      } else if (root.hold !== undefined) this.#put({ ...alarm, hold: { kind: 'parent', alarm: root.id } });
      else if (this.#incidents.get(root.incident ?? '')?.state === 'open')
        add(joining, root.incident ?? '', alarm);
      else add(childrenOf, root.id, alarm);
    }
    for (const [incident, alarms] of joining) this.#joinLater(incident, alarms, now);
    for (const group of this.#together(due, now)) {
      const children = group.flatMap(({ id }) => childrenOf.get(id) ?? []);
      this.#open([...group, ...children], group.length > 1 ? 'alike' : 'alarm', now);
    }
  }

  #openFloods(): ReadonlyMap<string, string> {
    const floods = new Map<string, string>();
    for (const { id, state, cause, root } of this.#incidents.values())
      if (state === 'open' && cause === 'alike') floods.set(alikeKey(root), id);
    return floods;
  }

  /** Those that are due, each alone, or a flood of one rule at one site together. */
  #together(due: readonly DeskAlarm[], now: number): readonly (readonly DeskAlarm[])[] {
    if (due.length === 0) return [];
    const groups = new Map<string, DeskAlarm[]>();
    for (const alarm of [...due].sort(byTime)) add(groups, alikeKey(alarm), alarm);
    const recent = new Map<string, number>();
    for (const { root, openedAt } of this.#incidents.values())
      if (openedAt > now - floodMs) recent.set(alikeKey(root), (recent.get(alikeKey(root)) ?? 0) + 1);
    return [...groups].flatMap(([key, alarms]) =>
      alarms[0]?.safety !== true && alarms.length + (recent.get(key) ?? 0) > floodAlarms
        ? [alarms]
        : alarms.map((alarm) => [alarm]),
    );
  }

  /** @param alarms the root first */
  #open(alarms: readonly DeskAlarm[], cause: Incident['cause'], now: number): void {
    const [root] = alarms;
    if (root === undefined) return;
    const { id } = openIncident(root, cause, now);
    this.#incidents.set(id, openIncident(root, cause, now));
    this.#members.set(id, new Set());
    this.#put({ ...root, rooted: root.rooted + 1 });
    const all = alarms.flatMap((alarm) => this.#alarms.get(alarm.id) ?? []);
    this.#join(id, all);
    const chattering = this.#isChattering(root);
    this.#change(id, { activations: all.length + (chattering ? root.recent.length - 1 : 0), chattering });
    this.#recount(id);
    const others = all.length - 1;
    const also =
      others === 0 ? '' : cause === 'alarm' ? `; it explains ${others} more` : `, with ${others} like it`;
    const often = chattering ? `; it comes and goes, ${root.recent.length} times within ten minutes` : '';
    this.#tell(id, 'opened', now, `opened for ${root.key} (${root.title.en})${also}${often}`, named(all));
    this.#notice('opened', id, now);
  }

  #joinLater(incident: string, alarms: readonly DeskAlarm[], now: number): void {
    this.#join(incident, alarms);
    const { activations } = this.#incidents.get(incident) as Incident;
    this.#change(incident, { activations: activations + alarms.length });
    const count = alarms.length === 1 ? 'an alarm' : `${alarms.length} alarms`;
    const keys = alarms.slice(0, mostNamed).map(({ key }) => key);
    const more = alarms.length > keys.length ? ', …' : '';
    this.#tell(incident, 'joined', now, `${count} joined: ${keys.join(', ')}${more}`, named(alarms));
  }

  #join(incident: string, alarms: readonly DeskAlarm[]): void {
    for (const alarm of alarms) {
      this.#put({ ...alarm, incident });
      this.#book.joined.push({ incident, alarm: alarm.id });
    }
    this.#dirty.add(incident);
  }

  /** An incident whose root turns out to be explained is a part of the other. */
  #merge(now: number): void {
    for (const incident of this.#incidents.values()) {
      const root = this.#alarms.get(incident.root.id);
      if (incident.state !== 'open' || root === undefined || !isOpen(root) || root.safety === true) continue;
      const top = this.#explainers.rootOf(root);
      const into = this.#incidents.get(top.incident ?? '');
      if (top.id === root.id || into === undefined || into.id === incident.id || into.state !== 'open')
        continue;
      const members = this.#membersOf(incident.id);
      for (const alarm of members) this.#members.get(incident.id)?.delete(alarm.id);
      this.#join(into.id, members);
      this.#change(into.id, {
        activations: into.activations + incident.activations,
        mergedFrom: [...into.mergedFrom, incident.id],
      });
      this.#change(incident.id, {
        state: 'merged',
        closedAt: now,
        mergedInto: into.id,
        recheckAt: undefined,
        quietAt: undefined,
      });
      this.#recount(into.id);
      this.#tell(incident.id, 'merged', now, `it is a part of ${into.id}: ${top.title.en} explains it`);
      this.#tell(into.id, 'absorbed', now, `${incident.id} (${root.title.en}) is a part of it`);
      this.#notice('merged', incident.id, now, { into: this.#incidents.get(into.id) });
      this.#drop(incident.id);
    }
  }

  // --- how it ends ------------------------------------------------------------------------------------------------

  /** The cause is over: who did not recover with it has a cause of its own. */
  #recheck(now: number): void {
    for (const incident of [...this.#incidents.values()]) {
      if (incident.state !== 'open' || incident.recheckAt === undefined || incident.recheckAt > now) continue;
      const left = this.#membersOf(incident.id).filter(isOpen);
      const groups = this.#byCommonCause(left);
      for (const alarm of left) {
        this.#members.get(incident.id)?.delete(alarm.id);
        this.#put({ ...alarm, incident: undefined, waitsUntil: now });
      }
      this.#change(incident.id, { recheckAt: undefined });
      const movedTo = this.#moveOn(groups, now);
      this.#recount(incident.id);
      if (left.length > 0)
        this.#tell(
          incident.id,
          'moved',
          now,
          `${left.length} alarms outlived its cause and are in ${movedTo.join(', ') || 'no incident yet'}`,
        );
      this.#close(incident.id, now, movedTo);
    }
  }

  /** What is left of an incident by what explains it now; where nothing does, by what it is reached through. */
  #byCommonCause(left: readonly DeskAlarm[]): readonly (readonly DeskAlarm[])[] {
    const units = new Map<string, DeskAlarm[]>();
    for (const alarm of [...left].sort(byTime)) add(units, this.#explainers.rootOf(alarm).id, alarm);
    const elsewhere: DeskAlarm[][] = [];
    const bySite = new Map<string, Map<string, DeskAlarm[]>>();
    for (const [id, alarms] of units) {
      const root = alarms.find((alarm) => alarm.id === id);
      if (root === undefined) {
        elsewhere.push(alarms);
        continue;
      }
      const causes = bySite.get(root.site) ?? new Map<string, DeskAlarm[]>();
      bySite.set(root.site, causes);
      const cause = `${root.symptom ?? root.rule} ${this.#plan.commonCauseOf(root)}`;
      for (const alarm of [root, ...alarms.filter((each) => each !== root)]) add(causes, cause, alarm);
    }
    // Under one roof there is one cause rather than many.
    const here = [...bySite.values()].flatMap((causes) =>
      causes.size > mostCauses ? [[...causes.values()].flat()] : [...causes.values()],
    );
    return [...elsewhere, ...here];
  }

  #moveOn(groups: readonly (readonly DeskAlarm[])[], now: number): readonly string[] {
    const movedTo = new Set<string>();
    for (const group of groups) {
      const alarms = group.flatMap(({ id }) => this.#alarms.get(id) ?? []);
      const [first] = alarms;
      if (first === undefined) continue;
      const top = this.#explainers.rootOf(first);
      const there = this.#incidents.get(top.incident ?? '');
      if (top.id === first.id)
        this.#open(
          alarms,
          alarms.some((alarm) => this.#explainers.rootOf(alarm).id !== first.id) ? 'common' : 'alarm',
          now,
        );
      else if (there?.state === 'open') this.#joinLater(there.id, alarms, now);
      // Else it waits for the alarm that explains it, as any other.
      const incident = this.#alarms.get(first.id)?.incident;
      if (incident !== undefined) movedTo.add(incident);
    }
    return [...movedTo];
  }

  /** Counts what changed, tells what is worse, and closes what has been quiet for long enough. */
  #settle(now: number): void {
    for (const id of [...this.#dirty]) this.#recount(id);
    for (const incident of [...this.#incidents.values()]) {
      if (incident.state !== 'open') continue;
      this.#followRoot(incident, now);
      const current = this.#incidents.get(incident.id) as Incident;
      if (current.active > 0 && isWorse(current.severity, current.told)) {
        this.#tell(current.id, 'worse', now, `it is ${current.severity} now, it was ${current.told}`);
        this.#notice('worse', current.id, now, { from: current.told });
      }
      this.#quieten(this.#incidents.get(incident.id) as Incident, now);
    }
  }

  #followRoot(incident: Incident, now: number): void {
    const { id, root, active, cause, recheckAt } = incident;
    const current = this.#alarms.get(root.id);
    if (active === 0 || (current !== undefined && isOpen(current)) || recheckAt !== undefined) return;
    if (cause !== 'alarm') {
      const next = this.#membersOf(id).filter(isOpen).sort(byTime)[0];
      if (next !== undefined) this.#change(id, { root: next });
      return;
    }
    this.#change(id, { recheckAt: now + this.#times.graceMs, quietAt: undefined });
    this.#tell(
      id,
      'root_cleared',
      now,
      `its cause is over; the ${active} alarms left have ${this.#times.graceMs / 1000} s to recover`,
    );
  }

  #quieten(incident: Incident, now: number): void {
    const { id, active, quietAt, chattering } = incident;
    if (active > 0) {
      if (quietAt !== undefined) this.#change(id, { quietAt: undefined });
      return;
    }
    if (quietAt === undefined) {
      const due = now + (chattering ? chatter.windowMs : this.#times.quietMs);
      this.#change(id, { quietAt: due, recheckAt: undefined });
      this.#tell(id, 'quiet', now, 'all its alarms are over or held back');
    } else if (quietAt <= now) this.#close(id, now, []);
  }

  #close(id: string, now: number, movedTo: readonly string[]): void {
    const held = this.#membersOf(id).find(({ hold }) => hold !== undefined)?.hold;
    this.#change(id, { state: 'closed', closedAt: now, quietAt: undefined, recheckAt: undefined });
    this.#tell(
      id,
      'closed',
      now,
      held === undefined ? 'closed: all its alarms are over' : `closed: ${describeHold(held)}`,
    );
    this.#notice('closed', id, now, movedTo.length === 0 ? {} : { movedTo });
    this.#drop(id);
  }

  /** Its alarms are still known for a while: their keys may come again. */
  #drop(id: string): void {
    this.#incidents.delete(id);
    this.#members.delete(id);
    this.#dirty.delete(id);
  }

  #forget(now: number): void {
    for (const id of this.#cleared) {
      const alarm = this.#alarms.get(id);
      if (alarm === undefined || this.#incidents.has(alarm.incident ?? '')) continue;
      if (alarm.raisedAt > now - chatter.windowMs && (alarm.clearedAt ?? now) > now - chatter.windowMs)
        continue;
      this.#alarms.delete(id);
      this.#cleared.delete(id);
      if (this.#latestOf.get(alarm.key) === id) this.#latestOf.delete(alarm.key);
      this.#book.alarms.delete(id);
      this.#book.ended.set(id, alarm);
    }
  }

  /** Who waited for this alarm, which was over before it had an incident, may recover with it. */
  #letChildrenRecover(parent: DeskAlarm, now: number): void {
    if (parent.explains === undefined || parent.incident !== undefined) return;
    for (const id of this.#loose) {
      const alarm = this.#alarms.get(id);
      if (alarm === undefined || id === parent.id || this.#explainers.rootOf(alarm).id !== parent.id)
        continue;
      this.#put({ ...alarm, waitsUntil: Math.max(alarm.waitsUntil, now + this.#times.graceMs) });
    }
  }

  // --- keeping ----------------------------------------------------------------------------------------------------

  #put(alarm: DeskAlarm): void {
    this.#keep(alarm);
    this.#book.alarms.set(alarm.id, alarm);
    if (alarm.incident !== undefined && this.#incidents.has(alarm.incident)) this.#dirty.add(alarm.incident);
  }

  #keep(alarm: DeskAlarm): void {
    const { id, key, state, incident } = alarm;
    this.#alarms.set(id, alarm);
    const latest = this.#alarms.get(this.#latestOf.get(key) ?? '');
    if (latest === undefined || latest.raisedAt <= alarm.raisedAt) this.#latestOf.set(key, id);
    this.#explainers.put(alarm);
    if (incident !== undefined) this.#members.get(incident)?.add(id);
    if (isOpen(alarm) && incident === undefined) this.#loose.add(id);
    else this.#loose.delete(id);
    if (state === 'cleared') this.#cleared.add(id);
  }

  #membersOf(incident: string): DeskAlarm[] {
    return [...(this.#members.get(incident) ?? [])].flatMap((id) => this.#alarms.get(id) ?? []);
  }

  #recount(id: string): void {
    const incident = this.#incidents.get(id);
    this.#dirty.delete(id);
    if (incident !== undefined) this.#change(id, recount(incident, this.#membersOf(id)));
  }

  #change(id: string, changes: Partial<Incident>): void {
    const incident = this.#incidents.get(id);
    if (incident === undefined) return;
    const changed = { ...incident, ...changes };
    this.#incidents.set(id, changed);
    this.#book.incidents.set(id, changed);
  }

  #tell(
    incident: string,
    kind: IncidentEventKind,
    at: number,
    text: string,
    alarms?: readonly string[],
  ): void {
    const { steps = 0 } = this.#incidents.get(incident) ?? {};
    this.#change(incident, { steps: steps + 1 });
    const event = { id: String(steps), at, kind, text, ...(alarms === undefined ? {} : { alarms }) };
    this.#book.events.push({ incident, event });
  }

  #notice(kind: IncidentNotice['kind'], id: string, at: number, more: Partial<IncidentNotice> = {}): void {
    const known = this.#incidents.get(id) as Incident;
    this.#change(id, { notices: known.notices + 1, told: known.peak });
    const incident = this.#incidents.get(id) as Incident;
    const number = kind === 'opened' ? '' : `-${known.notices}`;
    this.#book.notices.push({ id: `${id}~${kind}${number}`, kind, at, incident, ...more });
  }

  #isChattering({ recent }: DeskAlarm): boolean {
    const last = recent.at(-1) ?? 0;
    const within = (ms: number) => recent.filter((at) => at > last - ms).length;
    return within(minuteMs) >= chatter.perMinute || within(chatter.windowMs) >= chatter.perTenMinutes;
  }
}

/** Alarms that nothing explains are one flood where they are of one rule at one site. */
function alikeKey({ rule, site, district }: Pick<DeskAlarm, 'rule' | 'site' | 'district'>): string {
  return `${rule} ${site} ${district}`;
}

/** Some of them by id, for a story. */
function named(alarms: readonly DeskAlarm[]): readonly string[] {
  return alarms.slice(0, mostNamed).map(({ id }) => id);
}

function isSameHold(a: Hold | undefined, b: Hold | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Why an alarm is held back, for people. */
export function describeHold(hold: Hold): string {
  switch (hold.kind) {
    case 'shelved':
      return `shelved until ${new Date(hold.until).toISOString()} by ${hold.by}`;
    case 'out_of_service':
      return `taken out of service by ${hold.by}`;
    case 'maintenance':
      return 'under announced maintenance';
    case 'parent':
      return `as the alarm that explains it, ${hold.alarm}`;
  }
}

function add<Key, Item>(map: Map<Key, Item[]>, key: Key, item: Item): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [item]);
  else known.push(item);
}
