//! Files that no host serves, each broken in its own way. What the running host says of them (`bad_input`) is also what
//! a check says (`check`).

use std::{fs, io::Write};

use fetchlock_harness::guests::guest;

use crate::scene::Scene;

/// A way to be broken.
pub(crate) struct Broken {
    /// The file that is refused.
    pub(crate) file: &'static str,
    /// Puts it, with what belongs to it, into the plugin directory.
    pub(crate) put: fn(&Scene),
}

/// All of them; they can be in one plugin directory.
pub(crate) const ALL: &[Broken] = &[
    TEXT,
    EMPTY,
    TRUNCATED,
    CORE_MODULE,
    OTHER_WORLD,
    MACHINE_CODE,
    MACHINE_CODE_BY_NAME,
    TOO_LARGE,
    DIRECTORY,
    LINK_LOOP,
    NO_TOPIC,
    INVALID_CODE,
    OTHER_TYPE,
    TRAP_AT_START,
    TOO_LITTLE_MEMORY,
    NO_TOML,
    UNKNOWN_KEY,
    SEVERAL_KEYS,
    TWIN_1,
    TWIN_2,
];

pub(crate) const TEXT: Broken = Broken {
    file: "text.wasm",
    put: |scene| {
        scene.drop_file("text.wasm", b"Hello, I am not a componnt");
    },
};

pub(crate) const EMPTY: Broken = Broken {
    file: "empty.wasm",
    put: |scene| {
        scene.drop_file("empty.wasm", b"");
    },
};

pub(crate) const TRUNCATED: Broken = Broken {
    file: "truncated.wasm",
    put: |scene| {
        let bytes = fs::read(guest("versioned-v1").expect("built guests")).expect("read");
        scene.drop_file("truncated.wasm", &bytes[..bytes.len() / 2]);
    },
};

pub(crate) const CORE_MODULE: Broken = Broken {
    file: "module.wasm",
    put: |scene| {
        scene.drop_file("module.wasm", b"\0asm\x01\0\0\0");
    },
};

pub(crate) const OTHER_WORLD: Broken = Broken {
    file: "world.wasm",
    put: |scene| {
        let wat = r#"(component
            (import "fetchlock:handler/outcome@0.9.0" (instance))
            (import "wasi:keyvalue/store@0.2.0" (instance))
            (instance $empty)
            (export "wasi:http/incoming-handler@0.2.0" (instance $empty)))"#;
        scene.drop_file("world.wasm", &wat::parse_str(wat).expect("WAT"));
    },
};

pub(crate) const MACHINE_CODE: Broken = Broken {
    file: "machine.wasm",
    put: |scene| {
        scene.drop_file("machine.wasm", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    },
};

pub(crate) const MACHINE_CODE_BY_NAME: Broken = Broken {
    file: "machine.cwasm",
    put: |scene| {
        scene.drop_file("machine.cwasm", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    },
};

pub(crate) const TOO_LARGE: Broken = Broken {
    file: "big.wasm",
    put: |scene| {
        // Sparse: it takes no room and no time.
        let part = scene.plugins().join(".big.part");
        let mut file = fs::File::create(&part).expect("made");
        file.write_all(b"\0asm\x0d\0\x01\0").expect("written");
        file.set_len(200 << 20).expect("made long");
        fs::rename(part, scene.plugins().join("big.wasm")).expect("renamed");
    },
};

pub(crate) const DIRECTORY: Broken =
    Broken { file: "dir.wasm", put: |scene| fs::create_dir(scene.plugins().join("dir.wasm")).expect("made") };

pub(crate) const LINK_LOOP: Broken = Broken {
    file: "loop.wasm",
    put: |scene| std::os::unix::fs::symlink("loop.wasm", scene.plugins().join("loop.wasm")).expect("linked"),
};

pub(crate) const NO_TOPIC: Broken = Broken {
    file: " .wasm",
    put: |scene| {
        scene.drop_file(" .wasm", &handler("", RETURNS_OK));
    },
};

pub(crate) const INVALID_CODE: Broken = Broken {
    file: "code.wasm",
    put: |scene| {
        let module = r#"(memory (export "memory") 1) (func (export "handle") (result i32) (i64.const 0))"#;
        scene.drop_file("code.wasm", &handler("", module));
    },
};

pub(crate) const OTHER_TYPE: Broken = Broken {
    file: "type.wasm",
    put: |scene| {
        let wat = r#"(component
            (core module $m (func (export "f") (result i32) (i32.const 0)))
            (core instance $i (instantiate $m))
            (func $f (result u32) (canon lift (core func $i "f")))
            (export "handle" (func $f)))"#;
        scene.drop_file("type.wasm", &wat::parse_str(wat).expect("WAT"));
    },
};

pub(crate) const TRAP_AT_START: Broken = Broken {
    file: "start.wasm",
    put: |scene| {
        let module = format!("{RETURNS_OK} (func $s (unreachable)) (start $s)");
        scene.drop_file("start.wasm", &handler("", &module));
    },
};

pub(crate) const TOO_LITTLE_MEMORY: Broken = Broken {
    file: "hungry.wasm",
    put: |scene| {
        scene.drop_file("hungry.toml", b"[limits]\nmemory = \"64 KiB\"\n");
        scene.drop_guest("versioned-v1", "hungry");
    },
};

pub(crate) const NO_TOML: Broken = Broken {
    file: "toml.wasm",
    put: |scene| {
        scene.drop_file("toml.toml", b"timeout =");
        scene.drop_guest("versioned-v1", "toml");
    },
};

pub(crate) const UNKNOWN_KEY: Broken = Broken {
    file: "other.wasm",
    put: |scene| {
        scene.drop_file("other.toml", b"topic = \"other\"\nlock-duraton = \"30s\"\n");
        scene.drop_guest("probe", "other");
    },
};

pub(crate) const SEVERAL_KEYS: Broken = Broken {
    file: "several.wasm",
    put: |scene| {
        scene.drop_file("several.toml", b"max-concurrent = 0\ntimeout = \"0s\"\n");
        scene.drop_guest("versioned-v1", "several");
    },
};

pub(crate) const TWIN_1: Broken = Broken { file: "twin-1.wasm", put: |scene| twin(scene, "twin-1") };

pub(crate) const TWIN_2: Broken = Broken { file: "twin-2.wasm", put: |scene| twin(scene, "twin-2") };

fn twin(scene: &Scene, name: &str) {
    scene.drop_file(&format!("{name}.toml"), b"topic = \"twins\"\n");
    scene.drop_guest("versioned-v1", name);
}

/// A core module whose handler returns.
pub(crate) const RETURNS_OK: &str =
    r#"(memory (export "memory") 1) (func (export "handle") (result i32) (i32.const 0))"#;

/// A small component with these imports, whose core module exports `handle` and `memory`.
pub(crate) fn handler(imports: &str, module: &str) -> Vec<u8> {
    let wat = format!(
        r#"(component
            {imports}
            (core module $m {module})
            (core instance $i (instantiate $m))
            (func $handle (result (result (error string)))
                (canon lift (core func $i "handle") (memory (core memory $i "memory"))))
            (export "handle" (func $handle)))"#
    );
    wat::parse_str(wat).expect("WAT")
}
