/** How far around the device an alarm can explain others, beyond what is reached through the device. */
export const reaches = ['room', 'floor', 'site', 'district'] as const;
export type Reach = (typeof reaches)[number];

/** What an alarm can be explained by, and what it explains: how alarms with one cause find each other. */
export interface Causality {
  /** The kind of symptom that the alarm is; without one nothing explains it. */
  readonly symptom?: string | undefined;
  /** Symptoms that follow from it. */
  readonly explains?: readonly string[] | undefined;
  readonly reach?: Reach | undefined;
  /** Danger to people: it waits for nothing, and nothing silences it. */
  readonly safety?: true | undefined;
}
