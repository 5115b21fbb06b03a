// File variables, whose content is loaded only when it is asked for.

import { options, shown, text } from './checks.js';
import { LoadError } from './errors.js';
import { host, payloadOf } from './inside.js';

/** A file: one that came with the task, or a new one. */
export class File {
  #content;

  constructor(name, content, given) {
    const { mimeType, encoding } = options(given, ['mimeType', 'encoding'], 'File');
    this.name = text(name, 'File name');
    this.mimeType = mimeType;
    this.encoding = encoding;
    this.#content = { tag: 'bytes', val: toBytes(content) };
  }

  static fromWire({ filename, mimeType, encoding, content }) {
    const file = new File(filename, new Uint8Array(), { mimeType, encoding });
    file.#content = content;
    return file;
  }

  load() {
    if (this.#content.tag === 'stored') {
      this.#content = { tag: 'bytes', val: loadVariable(this.#content.val) };
    }
    return new Uint8Array(this.#content.val);
  }

  text() {
    return new TextDecoder(this.encoding ?? 'utf-8').decode(this.load());
  }

  toWire() {
    const { name: filename, mimeType, encoding } = this;
    return { tag: 'file', val: { filename, mimeType, encoding, content: this.#content } };
  }
}

function toBytes(content) {
  if (typeof content === 'string') {
    return new TextEncoder().encode(content);
  }
  if (ArrayBuffer.isView(content)) {
    return new Uint8Array(content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength));
  }
  if (Object.prototype.toString.call(content) === '[object ArrayBuffer]') {
    return new Uint8Array(content.slice(0));
  }
  throw new TypeError(`File content: expected a text or bytes (Uint8Array), found ${shown(content)}`);
}

function loadVariable(name) {
  try {
    return new Uint8Array(host('File.load').variables.load(name));
  } catch (error) {
    throw new LoadError(name, payloadOf(error));
  }
}
