import type { District } from '../../devices/district.js';
import type { SchoolStage } from '../../devices/site.js';

interface Named {
  readonly zh: string;
  readonly en: string;
}

interface StageName extends Named {
  readonly stage: SchoolStage;
  readonly share: number;
}

/** Towns and streets of each district, with the share of the city's schools that the district has. */
export const districtPlaces: Readonly<
  Record<District, { readonly share: number; readonly towns: readonly Named[] }>
> = {
  chancheng: {
    share: 20,
    towns: named('祖庙 Zumiao', '石湾 Shiwan', '张槎 Zhangcha', '南庄 Nanzhuang'),
  },
  nanhai: {
    share: 28,
    towns: named(
      '桂城 Guicheng',
      '狮山 Shishan',
      '大沥 Dali',
      '里水 Lishui',
      '九江 Jiujiang',
      '西樵 Xiqiao',
      '丹灶 Danzao',
    ),
  },
  shunde: {
    share: 28,
    towns: named(
      '大良 Daliang',
      '容桂 Ronggui',
      '伦教 Lunjiao',
      '勒流 Leliu',
      '陈村 Chencun',
      '北滘 Beijiao',
      '乐从 Lecong',
      '龙江 Longjiang',
      '杏坛 Xingtan',
      '均安 Jun’an',
    ),
  },
  gaoming: { share: 9, towns: named('荷城 Hecheng', '杨和 Yanghe', '明城 Mingcheng', '更合 Genghe') },
  sanshui: {
    share: 15,
    towns: named(
      '西南 Xinan',
      '云东海 Yundonghai',
      '白坭 Baini',
      '乐平 Leping',
      '芦苞 Lubao',
      '大塘 Datang',
      '南山 Nanshan',
    ),
  },
};

/** Words of which school names are made; the schools are invented. */
export const schoolWords = named(
  '启明 Qiming',
  '星河 Xinghe',
  '岭南 Lingnan',
  '博雅 Boya',
  '晨曦 Chenxi',
  '映月 Yingyue',
  '思源 Siyuan',
  '求真 Qiuzhen',
  '知行 Zhixing',
  '致远 Zhiyuan',
  '文华 Wenhua',
  '明德 Mingde',
  '书香 Shuxiang',
  '桃源 Taoyuan',
  '远航 Yuanhang',
  '朝阳 Chaoyang',
);

/** Stages of schools in the proportion in which they are found, with how such a school is called. */
export const stageNames: readonly [StageName, ...StageName[]] = [
  { stage: 'primary', share: 50, zh: '小学', en: 'Primary School' },
  { stage: 'junior', share: 18, zh: '初级中学', en: 'Junior Secondary School' },
  { stage: 'nine_year', share: 14, zh: '学校', en: 'Nine-Year School' },
  { stage: 'secondary', share: 10, zh: '中学', en: 'Secondary School' },
  { stage: 'vocational', share: 8, zh: '职业技术学校', en: 'Vocational School' },
];

function named(...pairs: readonly string[]): Named[] {
  return pairs.map((pair) => {
    const [zh = '', en = ''] = pair.split(' ');
    return { zh, en };
  });
}
