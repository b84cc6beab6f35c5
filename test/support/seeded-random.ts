export { seededRandom } from '../../simulators/city/seeded-random.js';
