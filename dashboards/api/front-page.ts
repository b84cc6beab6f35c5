import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../runtime/clock.js';

/** `/`: what runs here, for whoever opens the address in a browser. */
export function addFrontPage(server: FastifyInstance, clock: Clock, timeZone: string): void {
  server.get('/', (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      .header('cache-control', 'no-store')
      .send(formatFrontPage(clock, timeZone)),
  );
}

/** The page, which needs no script, picture or other file. */
export function formatFrontPage(clock: Clock, timeZone: string): string {
  const time = (locale: string) =>
    new Date(clock.now()).toLocaleString(locale, { timeZone, dateStyle: 'full', timeStyle: 'short' });
  const { spec } = clock;
  const [clockZh, clockEn] =
    spec.kind === 'wall'
      ? [`当前时间：${time('zh-CN')}`, `Time: ${time('en-GB')}`]
      : [
          `<strong>模拟时钟</strong>（${spec.speed} 倍速），数据与告警均为演示，并非真实情况。模拟时间：${time('zh-CN')}`,
          `<strong>Simulated clock</strong> (${spec.speed}× speed): readings and alarms are a demonstration, not real. Simulated time: ${time('en-GB')}`,
        ];
  return `<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>感知校园 · Perception Campus</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:42em;margin:3em auto;padding:0 1em}</style>
<h1>感知校园</h1>
<p>这里运行的是感知校园数据管道：接收校园设备的 MQTT 数据，存入 InfluxDB，按规则产生告警并发送邮件。</p>
<p>${clockZh}</p>
<ul>
<li><a href="/readyz">/readyz</a> 各部分是否就绪</li>
<li><a href="/api/v1/status">/api/v1/status</a> 进程与告警数</li>
<li><a href="/metrics">/metrics</a> 运行指标（Prometheus）</li>
</ul>
<div lang="en">
<h1>Perception Campus</h1>
<p>This is the perception campus pipeline: it takes the MQTT data of campus devices, stores it in InfluxDB, raises alarms by rules and mails them.</p>
<p>${clockEn}</p>
<ul>
<li><a href="/readyz">/readyz</a> whether each part is ready</li>
<li><a href="/api/v1/status">/api/v1/status</a> processes and alarm counts</li>
<li><a href="/metrics">/metrics</a> metrics (Prometheus)</li>
</ul>
</div>
</html>
`;
}
