// AES-256-GCM: the test cases 13 to 16 that were submitted to NIST with the mode (McGrew and Viega, "The Galois/Counter
// Mode of Operation", Appendix B; the same in NIST's validation suite).
import type { AeadVector } from './a256cbc-hs512.ts';

const KEY = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308';
const MSG =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255';
const CT =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad';

export const A256GCM_VECTORS: readonly AeadVector[] = [
  {
    id: 'case 13',
    key: '00'.repeat(32),
    iv: '00'.repeat(12),
    aad: '',
    msg: '',
    ct: '',
    tag: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    id: 'case 14',
    key: '00'.repeat(32),
    iv: '00'.repeat(12),
    aad: '',
    msg: '00'.repeat(16),
    ct: 'cea7403d4d606b6e074ec5d3baf39d18',
    tag: 'd0d1c8a799996bf0265b98b5d48ab919',
  },
  {
    id: 'case 15',
    key: KEY,
    iv: 'cafebabefacedbaddecaf888',
    aad: '',
    msg: MSG,
    ct: CT,
    tag: 'b094dac5d93471bdec1a502270e3cc6c',
  },
  {
    id: 'case 16',
    key: KEY,
    iv: 'cafebabefacedbaddecaf888',
    aad: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    msg: MSG.slice(0, 120),
    ct: CT.slice(0, 120),
    tag: '76fc6ece0f4e1768cddf8853bb2d551b',
  },
];
