import type { Severity } from '../../rules/alarm.js';
import type { Wording } from './alarm-words.js';

/** How a mail looks: by its severity, or `cleared`. */
export type Tone = Severity | 'cleared';

// White text on each of these has a contrast of at least 4.5 : 1 (WCAG AA).
const toneColours: Readonly<Record<Tone, string>> = {
  critical: '#b3152a',
  major: '#b84300',
  minor: '#8a5a00',
  warning: '#1f5fa8',
  cleared: '#1d7044',
};

const fontOf = {
  zh: "-apple-system,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif",
  en: "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,'Noto Sans CJK SC',sans-serif",
} as const;

/**
 * The HTML part of a mail: one card per wording. Tables and inline styles only, since mail programs drop the
 * rest; a single column, so that it fits a phone. Everything that comes from outside is escaped.
 */
export function renderHtml(wordings: readonly Wording[], tone: Tone): string {
  const [first] = wordings;
  const preview = first === undefined ? '' : first.facts.map((fact) => fact.value).join(' · ');
  return `<!DOCTYPE html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light">
<title>${escapeHtml(first?.title ?? '')}</title>
</head>
<body style="margin:0;padding:0;background:#eef1f5;-webkit-text-size-adjust:100%">
<div style="display:none;max-height:0;overflow:hidden">${escapeHtml(preview)}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#eef1f5">
<tr><td align="center" style="padding:16px 10px">
${wordings.map((wording) => renderCard(wording, tone)).join('\n')}
<p style="margin:0;padding:4px 8px 12px;max-width:560px;font:12px/1.6 ${fontOf.zh};color:#5a6675">感知校园自动发送，请勿回复 · Sent automatically by Perception Campus</p>
</td></tr>
</table>
</body>
</html>
`;
}

function renderCard(wording: Wording, tone: Tone): string {
  const colour = toneColours[tone];
  const font = fontOf[wording.language];
  const lang = wording.language === 'zh' ? 'zh-CN' : 'en';
  return `<table role="presentation" lang="${lang}" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px;margin:0 auto 16px;background:#ffffff;border-radius:10px;overflow:hidden;text-align:left;font-family:${font};color:#1c2733">
${wording.notes.map((note) => `<tr><td style="padding:10px 20px;background:#fff3cd;color:#5c4400;font-size:14px;line-height:1.5">${escapeHtml(note)}</td></tr>`).join('\n')}
<tr><td style="padding:18px 20px;background:${colour};color:#ffffff">
<div style="font-size:14px;line-height:1.4">${escapeHtml(wording.badge)}</div>
<div style="padding-top:2px;font-size:21px;font-weight:bold;line-height:1.35">${escapeHtml(wording.title)}</div>
</td></tr>
<tr><td style="padding:8px 20px 4px">
${wording.facts.map(renderFact).join('\n')}
</td></tr>
<tr><td style="padding:8px 20px 4px">
<div style="padding:12px 14px;background:#f3f6fa;border-left:4px solid ${colour};border-radius:4px">
<div style="font-size:13px;color:#5a6675">${escapeHtml(wording.adviceHeading)}</div>
<div style="padding-top:2px;font-size:16px;line-height:1.6">${escapeHtml(wording.advice)}</div>
</div>
</td></tr>
<tr><td style="padding:8px 20px 16px;font-size:12px;line-height:1.5;color:#5a6675;overflow-wrap:anywhere">${escapeHtml(wording.reference)}</td></tr>
</table>`;
}

function renderFact(fact: { readonly label: string; readonly value: string }): string {
  return `<div style="padding:8px 0;border-bottom:1px solid #e6eaef">
<div style="font-size:13px;line-height:1.4;color:#5a6675">${escapeHtml(fact.label)}</div>
<div style="font-size:16px;line-height:1.5;overflow-wrap:anywhere">${escapeHtml(fact.value)}</div>
</div>`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
