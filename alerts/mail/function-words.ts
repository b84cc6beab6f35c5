import type { Bilingual } from '../../rules/alarm.js';

/** A remark behind what is looked at; `{time}` stands for the function's time. */
interface FunctionWords extends Bilingual {
  /** For metrics that answer a question with yes or no, where that reads otherwise. */
  readonly yesNo?: Bilingual;
  /** Of whole stretches of the clock. */
  readonly tumbling?: Bilingual;
  /** `metric`: it is measured like the metric; `rate`: by the hour; else what its value is. */
  readonly gives: 'metric' | 'rate' | 'count' | 'share' | 'spreads' | 'seconds';
}

/** Functions about one metric: `二氧化碳（5 分钟平均）`, `CO2 (5 min mean)`. */
export const metricFunctionWords: Readonly<Record<string, FunctionWords>> = {
  mean: {
    zh: '{time}平均',
    en: '{time} mean',
    yesNo: { zh: '{time}内占比', en: 'share of {time}' },
    tumbling: { zh: '上一个完整 {time}的平均', en: 'mean of the last full {time}' },
    gives: 'metric',
  },
  min: {
    zh: '{time}内最低',
    en: '{time} lowest',
    yesNo: { zh: '{time}内一直', en: 'all through {time}' },
    tumbling: { zh: '上一个完整 {time}的最低', en: 'lowest of the last full {time}' },
    gives: 'metric',
  },
  max: {
    zh: '{time}内最高',
    en: '{time} highest',
    yesNo: { zh: '{time}内曾经', en: 'at any time in {time}' },
    tumbling: { zh: '上一个完整 {time}的最高', en: 'highest of the last full {time}' },
    gives: 'metric',
  },
  count: {
    zh: '{time}内上报次数',
    en: 'reports in {time}',
    tumbling: { zh: '上一个完整 {time}的上报次数', en: 'reports in the last full {time}' },
    gives: 'count',
  },
  coverage: {
    zh: '{time}内有数据的时间占比',
    en: 'share of {time} with values',
    tumbling: { zh: '上一个完整 {time}中有数据的时间占比', en: 'share of the last full {time} with values' },
    gives: 'share',
  },
  stddev: { zh: '{time}标准差', en: '{time} standard deviation', gives: 'metric' },
  level_shift: {
    zh: '近 {time}比之前的水平变化',
    en: 'level of {time} against that before',
    gives: 'spreads',
  },
  change: { zh: '{time}内的变化', en: 'change in {time}', gives: 'metric' },
  rate: { zh: '{time}内的变化速度', en: 'pace of change in {time}', gives: 'rate' },
  changes: { zh: '{time}内变化次数', en: 'changes in {time}', gives: 'count' },
  increase: { zh: '{time}内增加', en: 'growth in {time}', gives: 'metric' },
  resets: { zh: '{time}内从头计起的次数', en: 'fresh starts in {time}', gives: 'count' },
  quantile: { zh: '{time}内 {share} 的值不超过', en: 'not exceeded by {share} in {time}', gives: 'metric' },
  last: { zh: '最新值', en: 'newest', gives: 'metric' },
  previous: { zh: '前一个值', en: 'one before', gives: 'metric' },
  step: { zh: '与前一个值之差', en: 'difference from the one before', gives: 'metric' },
  age_s: { zh: '距上次收到的时间', en: 'time since it was last reported', gives: 'seconds' },
  yesterday: { zh: '昨天同一时段', en: 'same hour yesterday', gives: 'metric' },
  last_week: { zh: '上周同一时段', en: 'same hour a week ago', gives: 'metric' },
  usual: { zh: '平常的水平', en: 'usual level', gives: 'metric' },
  robust_z: { zh: '{time}平均偏离平常', en: '{time} mean away from the usual', gives: 'spreads' },
  ewma_z: { zh: '近 {time}偏离此前', en: 'recent {time} away from before', gives: 'spreads' },
  cusum: { zh: '{time}累积偏移', en: 'drift summed up over {time}', gives: 'spreads' },
  peer_median: { zh: '{group}中位数', en: 'median of {group}', gives: 'metric' },
};

/** A quantile of one half. */
export const medianWords: Bilingual = { zh: '{time}中位数', en: '{time} median' };

/** Who a device is compared with. */
export const peerWords: Readonly<Record<string, Bilingual>> = {
  room: { zh: '同房间设备', en: 'the room' },
  floor: { zh: '同楼层设备', en: 'the floor' },
  parent: { zh: '同一交换机下设备', en: 'the devices behind the same switch' },
  site: { zh: '全校同类设备', en: 'the school' },
};
