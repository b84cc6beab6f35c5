/** What is remembered of a device or a part of it, for all questions: plain numbers, one memory's after another's. */
export type Cells = Float64Array;
