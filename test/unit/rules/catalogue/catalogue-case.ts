import type { Severity } from '../../../../rules/alarm.js';
import type { Story } from './story.js';

/** What a shipped rule is tried on. */
export interface CatalogueCase {
  readonly rule: string;
  /** The severity that it must come to, and not come to in what is close; any where it is absent. */
  readonly severity?: Severity;
  /** It must be raised by this. */
  readonly bad: Story;
  /** And not by these, although they are close. */
  readonly close: readonly Story[];
  /** Other rules that may be raised beside it: one fault is to be one alarm, so there are few. */
  readonly also?: readonly string[];
}
