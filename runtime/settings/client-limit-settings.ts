import type { SettingArea } from './setting-definition.js';
import { count, seconds } from './value-checks.js';

/** What clients may ask of a broker before it defends itself. */
export const clientLimitSettings = {
  MQTT_MAX_SOCKETS: {
    schema: count.default(20_000),
    help: { en: 'Connections in all; more are closed at once', zh: '连接总数；超出的立即关闭' },
    unit: 'count',
    scope: 'process',
    readers: ['broker'],
  },
  MQTT_MAX_SOCKETS_PER_ADDRESS: {
    schema: count.default(2000),
    help: {
      en: 'Connections from one address (IPv6: one /64), which may be a whole school; more are closed at once',
      zh: '同一地址（IPv6 按 /64）的连接数，一个地址可能是整所学校；超出的立即关闭',
    },
    unit: 'count',
    scope: 'process',
    readers: ['broker'],
  },
  MQTT_CONNECT_TIMEOUT_S: {
    schema: seconds.default(5),
    help: {
      en: 'A connection whose CONNECT is not there by then, TLS and WebSocket handshakes included, is closed',
      zh: '到时仍未收完 CONNECT（含 TLS 和 WebSocket 握手）的连接会被关闭',
    },
    unit: 's',
    scope: 'process',
    readers: ['broker'],
  },
  MAX_CONNECT_BYTES: {
    schema: count.default(8192),
    help: {
      en: 'A larger CONNECT packet closes the connection, before anything of it is kept',
      zh: '超过此长度的 CONNECT 报文会使连接关闭，其内容不进内存',
    },
    unit: 'bytes',
    scope: 'process',
    readers: ['broker'],
  },
  MAX_PACKET_BYTES: {
    schema: count.default(2_097_152),
    help: {
      en: 'A larger MQTT packet closes the connection, before anything of it is kept',
      zh: '超过此长度的 MQTT 报文会使连接关闭，其内容不进内存',
    },
    unit: 'bytes',
    scope: 'process',
    readers: ['broker'],
  },
  MAX_PAYLOAD_BYTES: {
    schema: count.default(1_048_576),
    help: {
      en: 'Larger MQTT payloads are quarantined with their first bytes only',
      zh: '超过此长度的 MQTT 载荷会被隔离，只保留开头的字节',
    },
    unit: 'bytes',
    scope: 'process',
    readers: ['broker', 'bridge'],
  },
  MQTT_PACKET_TIMEOUT_S: {
    schema: seconds.default(60),
    help: {
      en: 'A connection whose packet is begun and not complete by then, although we read it, is closed',
      zh: '一个报文开始后到时仍未收完（仅计正在读取的时间），连接会被关闭',
    },
    unit: 's',
    scope: 'process',
    readers: ['broker'],
  },
  PARTIAL_BYTES: {
    schema: count.default(67_108_864),
    help: {
      en: 'Bytes of begun and incomplete packets of all clients; above it the connection with the most is closed, of those not logged in first',
      zh: '所有客户端未收完的报文达到此字节数后，关闭占用最多的连接，尚未通过认证的优先',
    },
    unit: 'bytes',
    scope: 'process',
    readers: ['broker'],
  },
  MQTT_MAX_KEEP_ALIVE_S: {
    schema: count.max(65_535).default(3600),
    help: {
      en: 'Longest keep-alive; a client that asks for more, or for none, gets this',
      zh: '最长的 keep-alive；要求更长或没有 keep-alive 的客户端按此计',
    },
    unit: 's',
    scope: 'process',
    readers: ['broker'],
  },
  MQTT_MAX_SUBSCRIPTIONS: {
    schema: count.default(8),
    help: { en: 'Subscriptions of one client; more are refused', zh: '每个客户端的订阅数；超出的被拒绝' },
    unit: 'count',
    scope: 'process',
    readers: ['broker'],
  },
  MQTT_MAX_RATE: {
    schema: count.default(1000),
    help: {
      en: 'Messages (and pings and subscriptions) a second of one client, or of one account or claim token; above it the client is read no faster, not disconnected',
      zh: '每个客户端（同一账户或认领令牌合计）每秒的消息数（心跳和订阅也计入）；超出时放慢读取，不断开',
    },
    unit: 'messages/s',
    scope: 'process',
    readers: ['broker'],
  },
  MQTT_MAX_BYTES_PER_S: {
    schema: count.default(4_194_304),
    help: {
      en: 'Bytes (topics and payloads) a second of one client, in the same way',
      zh: '每个客户端每秒的字节数（主题加载荷），处理方式相同',
    },
    unit: 'bytes/s',
    scope: 'process',
    readers: ['broker'],
  },
  MQTT_BURST_S: {
    schema: seconds.default(10),
    help: {
      en: "So many seconds' worth of MQTT_MAX_RATE and MQTT_MAX_BYTES_PER_S may come at once",
      zh: '可一次用掉多少秒的 MQTT_MAX_RATE 和 MQTT_MAX_BYTES_PER_S',
    },
    unit: 's',
    scope: 'process',
    readers: ['broker'],
  },
  INFLIGHT_PER_CLIENT: {
    schema: count.default(100),
    help: {
      en: 'Unacknowledged messages of one client before its socket is no longer read',
      zh: '一个客户端未确认的消息达到此数后，不再读取其连接',
    },
    unit: 'count',
    scope: 'process',
    readers: ['broker', 'bridge'],
  },
  INFLIGHT_BYTES: {
    schema: count.default(67_108_864),
    help: {
      en: 'Unacknowledged bytes (topics and payloads) of all clients before no socket is read',
      zh: '所有客户端未确认的字节（主题加载荷）达到此数后，不再读取任何连接',
    },
    unit: 'bytes',
    scope: 'process',
    readers: ['broker', 'bridge'],
  },
  OUTPUT_BYTES_PER_CLIENT: {
    schema: count.default(1_048_576),
    help: {
      en: 'Bytes waiting for a client that reads slowly before messages of QoS 0 are left out',
      zh: '等待缓慢客户端读取的字节达到此数后，不再向其发送 QoS 0 消息',
    },
    unit: 'bytes',
    scope: 'process',
    readers: ['broker'],
  },
  MQTT_DRAIN_TIMEOUT_S: {
    schema: seconds.default(10),
    help: {
      en: 'A client that takes none of the bytes waiting for it for so long is disconnected; one that takes some, however slowly, is not',
      zh: '客户端在此时间内未取走任何待发数据就会被断开；只要还在取，再慢也不断开',
    },
    unit: 's',
    scope: 'process',
    readers: ['broker'],
  },
  UNACKNOWLEDGED_PER_CLIENT: {
    schema: count.max(65_535).default(100),
    help: {
      en: 'Messages of QoS 1 and 2 sent to one client and not acknowledged before the next ones wait',
      zh: '已发给一个客户端而未确认的 QoS 1、2 消息达到此数后，后续消息等待',
    },
    unit: 'count',
    scope: 'process',
    readers: ['broker'],
  },
  QUEUED_PER_CLIENT: {
    schema: count.default(10_000),
    help: {
      en: 'Messages of QoS 1 and 2 waiting for one client before further ones are dropped',
      zh: '等待一个客户端的 QoS 1、2 消息达到此数后，后续消息会被丢弃',
    },
    unit: 'count',
    scope: 'process',
    readers: ['broker'],
  },
  QUEUED_BYTES: {
    schema: count.default(67_108_864),
    help: {
      en: 'Bytes waiting for the acknowledgement of all clients before further messages to them are dropped; each message counts 300 more than it has',
      zh: '等待各客户端确认的字节总数达到此数后，发给它们的后续消息会被丢弃；每条消息另计 300 字节',
    },
    unit: 'bytes',
    scope: 'process',
    readers: ['broker'],
  },
  QOS2_PER_CLIENT: {
    schema: count.max(65_535).default(1000),
    help: {
      en: 'Messages of QoS 2 of one client that it has not released before it is disconnected',
      zh: '一个客户端未释放的 QoS 2 消息达到此数后，会被断开',
    },
    unit: 'count',
    scope: 'process',
    readers: ['broker'],
  },
  RETAINED_BYTES: {
    schema: count.default(67_108_864),
    help: {
      en: 'Bytes of retained messages of an open broker before further ones are not kept',
      zh: '开放模式 broker 的保留消息达到此字节数后，不再保留更多',
    },
    unit: 'bytes',
    scope: 'process',
    readers: ['broker'],
  },
} as const satisfies SettingArea;
