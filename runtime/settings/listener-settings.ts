import { z } from 'zod';
import type { SettingArea } from './setting-definition.js';
import { count, portOrOff, text } from './value-checks.js';

/** Where devices connect, and with which certificate the broker answers. */
export const listenerSettings = {
  MQTT_HOST: {
    schema: text.default('127.0.0.1'),
    help: { en: 'Address the MQTT broker listens on', zh: 'MQTT broker 的监听地址' },
    unit: 'address',
    scope: 'machine',
    readers: ['broker', 'up', 'verbs'],
  },
  MQTT_PORT: {
    schema: portOrOff.default(1883),
    help: { en: 'Port for plain MQTT; 0 switches it off', zh: '明文 MQTT 的端口；0 为关闭' },
    unit: 'port',
    scope: 'machine',
    readers: ['broker', 'up', 'verbs'],
  },
  BROKERS: {
    schema: count.max(64).default(1),
    help: {
      en: 'Broker processes; each listens one port up from the last, and a device may connect to any',
      zh: 'broker 进程数；每个进程的端口依次加一，设备可连接其中任何一个',
    },
    unit: 'count',
    scope: 'machine',
    readers: ['up'],
  },
  MQTT_TLS_HOST: {
    schema: text.optional(),
    help: {
      en: 'Address for MQTT_TLS_PORT and MQTT_WSS_PORT; unset: MQTT_HOST',
      zh: 'MQTT_TLS_PORT 和 MQTT_WSS_PORT 的监听地址；未设：MQTT_HOST',
    },
    unit: 'address',
    scope: 'machine',
    readers: ['broker', 'up', 'verbs'],
  },
  MQTT_TLS_PORT: {
    schema: portOrOff.default(0),
    help: {
      en: 'Port for MQTT over TLS 1.2 or 1.3, usually 8883; 0 switches it off',
      zh: 'MQTT over TLS 1.2 或 1.3 的端口，通常为 8883；0 为关闭',
    },
    unit: 'port',
    scope: 'machine',
    readers: ['broker', 'up', 'verbs'],
  },
  MQTT_WS_PORT: {
    schema: portOrOff.default(0),
    help: {
      en: 'Port for MQTT over WebSocket, path /mqtt; 0 switches it off',
      zh: 'MQTT over WebSocket 的端口，路径 /mqtt；0 为关闭',
    },
    unit: 'port',
    scope: 'machine',
    readers: ['broker', 'up', 'verbs'],
  },
  MQTT_WSS_PORT: {
    schema: portOrOff.default(0),
    help: {
      en: 'Port for MQTT over WebSocket with TLS; 0 switches it off',
      zh: '带 TLS 的 MQTT over WebSocket 的端口；0 为关闭',
    },
    unit: 'port',
    scope: 'machine',
    readers: ['broker', 'up', 'verbs'],
  },
  MQTT_TLS_CERT: {
    schema: z.string().optional(),
    help: {
      en: 'Server certificate with its chain, PEM; unset: that of "campus ca server"; read again when it changes',
      zh: '服务器证书及其证书链，PEM；未设：“campus ca server” 所签发的；文件变化时重新读取',
    },
    unit: 'file',
    scope: 'machine',
    readers: ['broker', 'verbs'],
  },
  MQTT_TLS_KEY: {
    schema: z.string().optional(),
    help: { en: 'Private key of MQTT_TLS_CERT, PEM', zh: 'MQTT_TLS_CERT 的私钥，PEM' },
    unit: 'file',
    scope: 'machine',
    readers: ['broker'],
  },
  MQTT_TLS_CA: {
    schema: z.string().optional(),
    help: {
      en: 'CA of the client certificates, PEM; unset: that of "campus ca init", where there is one',
      zh: '客户端证书的 CA，PEM；未设：“campus ca init” 建立的 CA（如果有）',
    },
    unit: 'file',
    scope: 'machine',
    readers: ['broker'],
  },
} as const satisfies SettingArea;
