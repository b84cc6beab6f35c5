import type { Notice } from '../../devices/notice.js';
import type { DeviceTopic } from '../../devices/topic.js';
import type { Reading, Rejection } from '../../devices/telemetry.js';
import type { RefusedNumber } from '../ledger/seen-readings.js';
import type { MessageRecord, PresenceRecord, TallyRecord, TimeRecord } from '../log/frame.js';

/** What became of one record of the log once it was understood, or not. */
export type Decoded =
  | DecodedReading
  | DecodedRejection
  | DecodedNotice
  | DecodedNothing
  | PresenceRecord
  | TimeRecord
  | TallyRecord;

/** Where something came from, so that it can be quarantined with its bytes. */
export interface Source {
  readonly message: MessageRecord;
  /** Position among the items of the message, where it has several. */
  readonly index?: number | undefined;
  /** Positions in it, where many elements are meant together. */
  readonly indexes?: readonly number[] | undefined;
}

export interface DecodedReading {
  readonly kind: 'reading';
  readonly source: Source;
  readonly topic: DeviceTopic;
  readonly reading: Reading;
  /** Older on arrival than the lateness limit, or out of the quarantine: stored, raises nothing. */
  readonly late: boolean;
  /** Names of what a profile has no metric for. */
  readonly ignored?: readonly string[] | undefined;
}

export interface DecodedRejection {
  readonly kind: 'rejection';
  readonly source: Source;
  readonly rejection: Rejection;
  /** Whose it is, where that much could be understood. */
  readonly topic?: DeviceTopic | undefined;
  /** Its sequence number, where that much could be read: it is no gap, and a repeat of it is a repeat. */
  readonly number?: RefusedNumber | undefined;
  /** The time that it says it is of, where that much could be read. */
  readonly ts?: number | undefined;
  /** It is of a time that is late by now. */
  readonly late?: boolean | undefined;
  /** Of many elements rejected together: the number of each, in the order of `source.indexes`. */
  readonly numbers?: readonly (RefusedNumber | undefined)[] | undefined;
}

/** What a device says of itself, checked: its state, its description, an event, its answer to a command. */
export interface DecodedNotice {
  readonly kind: 'notice';
  readonly source: Source;
  readonly topic: DeviceTopic;
  readonly notice: Notice;
  /** An event that is older on arrival than the lateness limit, or out of the quarantine: it raises nothing. */
  readonly late: boolean;
  /** Names of what a profile has no metric for. */
  readonly ignored?: readonly string[] | undefined;
}

/** A message in which, its profile says, there is nothing for us: settled and counted, nothing more. */
export interface DecodedNothing {
  readonly kind: 'nothing';
  readonly source: Source;
  readonly profile: string;
}
