import type { Vocabulary } from './words.js';

/** What kind of device it is; also the InfluxDB measurement its readings are written to. */
export const deviceClasses = ['sensor', 'whiteboard', 'ap', 'gateway'] as const;
export type DeviceClass = (typeof deviceClasses)[number];

export const deviceClassWords: Vocabulary<DeviceClass> = {
  sensor: { zh: '环境传感器', en: 'Environment sensor', also: ['传感器'] },
  whiteboard: {
    zh: '交互式白板',
    en: 'Interactive whiteboard',
    also: ['白板', '电子白板', '智能平板', '一体机'],
  },
  ap: { zh: '无线接入点', en: 'WiFi access point', also: ['无线AP', 'access point'] },
  gateway: { zh: '网关', en: 'Gateway', also: ['出口网关'] },
};

export function isDeviceClass(text: string): text is DeviceClass {
  return (deviceClasses as readonly string[]).includes(text);
}
