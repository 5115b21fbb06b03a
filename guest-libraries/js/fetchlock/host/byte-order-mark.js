// Texts arrive whole, with the byte order mark that one may begin with.
//
// The bindings decode every text of the host with one decoder of the ordinary kind, which drops the mark. It was made
// before this runs, so it alone uses the original class; authors get a class of the same behaviour as ever.

const Original = globalThis.TextDecoder;
const decode = Original.prototype.decode;

globalThis.TextDecoder = class TextDecoder extends Original {
  decode(...given) {
    return decode.apply(this, given);
  }
};

Original.prototype.decode = function decodeWhole(bytes, ...options) {
  const text = decode.call(this, bytes, ...options);
  const hasMark = bytes.length > 2 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return hasMark ? `\ufeff${text}` : text;
};
