import type { ApState, Radio } from './state-schema.js';

/** A radio as a part: named by its band, as people speak of it, with the clients that are on it. */
export function radioPart(
  state: ApState,
  radio: Radio,
  index: number,
): { name: string; metrics: Record<string, number | undefined> } {
  const { frequency } = radio;
  const survey =
    radio.survey.find((channel) => frequency.includes(channel.frequency ?? -1)) ?? radio.survey[0];
  const clients = clientsOf(state, radio, index);
  const sent = clients.reduce((sum, { tx_packets: packets = 0 }) => sum + packets, 0);
  const retries = clients.reduce((sum, { tx_retries: again = 0 }) => sum + again, 0);
  return {
    name: nameOf(radio, index),
    metrics: {
      channel: radio.channel,
      channel_width_mhz: radio.channel_width,
      tx_power_dbm: radio.tx_power,
      temp_c: radio.temperature,
      noise_dbm: survey?.noise ?? radio.noise,
      chan_util_pct: share(survey?.busy, survey?.time),
      own_tx_pct: share(survey?.time_tx, survey?.time),
      own_rx_pct: share(survey?.time_rx, survey?.time),
      clients: clients.length,
      rssi_dbm: median(clients.map(({ rssi }) => rssi).filter((rssi) => rssi !== undefined)),
      retry_pct: share(retries, sent),
    },
  };
}

/** The band is said by newer firmware; frequency and channel tell it, too. */
function nameOf({ band, channel, frequency }: Radio, index: number): string {
  const named = /^[256]/.exec(band[0] ?? '')?.[0];
  if (named !== undefined) return `radio${named}`;
  const [mhz] = frequency;
  if (mhz !== undefined) return `radio${mhz < 3000 ? 2 : mhz < 5950 ? 5 : 6}`;
  if (channel !== undefined) return `radio${channel <= 14 ? 2 : 5}`;
  return `radio-${index}`;
}

function clientsOf({ interfaces }: ApState, radio: Radio, index: number) {
  return interfaces
    .flatMap(({ ssids }) => ssids)
    .filter(({ mode, phy, radio: reference }) => {
      if (mode !== undefined && mode !== 'ap') return false;
      if (reference?.$ref !== undefined) return reference.$ref === `#/radios/${index}`;
      return phy !== undefined && phy === radio.phy;
    })
    .flatMap(({ associations }) => associations);
}

function share(part: number | undefined, whole: number | undefined): number | undefined {
  if (part === undefined || whole === undefined || whole <= 0) return undefined;
  return Math.min(100, Math.round((part / whole) * 1000) / 10);
}

function median(numbers: number[]): number | undefined {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}
