/** What is remembered of one device for one question: plain numbers, small in memory and as JSON. */
export type MemoryContent = number[];

/** The memories of a device or a part of it, by their places in the plan of its class. */
export type Memories = (MemoryContent | undefined)[];

/** What was never remembered. */
export const noContent: MemoryContent = [];
