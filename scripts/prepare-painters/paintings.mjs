/**
 * Paintings in the public domain, and where the pictures of them were taken from. `sceneSaturation`: how much of its own
 * colour the scene of the swatch keeps, less where a painting has no blue sky.
 */
export const paintings = [
  {
    name: 'starry-night',
    file: 'van_gogh_starry_night.jpg',
    sha256: 'c31741a09141c2e2d07fc7aa6bdf135c369b804f9433e43fa3ceac19386d1ee6',
    painting: 'Vincent van Gogh, The Starry Night, 1889',
    origin: 'jcjohnson/neural-style, examples/inputs/starry_night_google.jpg',
  },
  {
    name: 'night-cafe',
    sceneSaturation: 0.2,
    file: 'van_gogh_night_cafe.jpg',
    sha256: 'af361f26d92524b959967ca1dda27f4127e9a89a51fd23ae0e9cb88add859d62',
    painting: 'Vincent van Gogh, The Night Café, 1888',
    origin: 'gordicaleksa/pytorch-neural-style-transfer, data/style-images/vg_la_cafe.jpg',
  },
  {
    name: 'the-scream',
    sceneSaturation: 0.2,
    file: 'munch_the_scream.jpg',
    sha256: 'f3075cddeb974a9ee1d6418f7f33fd05185a7ac7dcb4288bd2805d499a9dcaee',
    painting: 'Edvard Munch (died 1944), The Scream, 1893',
    origin: 'jcjohnson/neural-style, examples/inputs/the_scream.jpg',
  },
  {
    name: 'shipwreck',
    file: 'turner_shipwreck.jpg',
    sha256: '4f7cf34e3cd4a5daaf3f421f059ca9a01aaa2a3afd7243d6670c9c8bc001a213',
    painting: 'J. M. W. Turner, The Wreck of a Transport Ship, about 1810',
    origin: 'jcjohnson/neural-style, examples/inputs/shipwreck.jpg',
  },
  {
    name: 'great-wave',
    file: 'hokusai_great_wave.jpg',
    sha256: '54f19686bea5117c0bb68ce4425dbed4efafa3e8d7cafe35f0fae80b8223f4be',
    painting: 'Katsushika Hokusai, The Great Wave off Kanagawa, about 1831',
    origin: 'lengstrom/fast-style-transfer, examples/style/wave.jpg',
  },
  {
    name: 'tahiti',
    file: 'gauguin_tahiti.jpg',
    sha256: '8486376e546d9940485bdfc6a2317e3829e232467f6a74c6659098f5ec64d0e6',
    painting: 'Paul Gauguin (died 1903), Tahitian women',
    origin: 'gordicaleksa/pytorch-neural-style-transfer, data/style-images/tahiti_guaguin.jpg',
  },
];
