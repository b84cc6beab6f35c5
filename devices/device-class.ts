/** What kind of device it is; also the InfluxDB measurement its readings are written to. */
export const deviceClasses = ['sensor', 'whiteboard', 'ap', 'gateway'] as const;
export type DeviceClass = (typeof deviceClasses)[number];

export function isDeviceClass(text: string): text is DeviceClass {
  return (deviceClasses as readonly string[]).includes(text);
}
