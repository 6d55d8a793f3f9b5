//! What the page says once its own binary has stopped: `start.js`, which runs outside it.

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::*;
use web_sys::HtmlElement;

use super::Fixture;

/// Runs `start.js` in a page that has no binary. Which browsers it starts in is tested by `tests/e2e/start.test.mjs`: the
/// test runner has a `Worker` of its own, which is not what `start.js` asks about.
async fn start() {
    let run = Function::new_with_args("code", "return (async () => {}).constructor(code)()");
    let code = include_str!("../../../static/start.js").replace("if (isRecent())", "if (true)");
    let started: Promise = run.call1(&JsValue::NULL, &code.into()).unwrap().unchecked_into();
    JsFuture::from(started).await.unwrap_err();
}

/// Lets the window hear of an error that nobody has caught.
fn uncaught(error: &str) {
    let code = format!("dispatchEvent(new ErrorEvent('error', {{ error: {error} }}))");
    Function::new_no_args(&code).call0(&JsValue::NULL).unwrap();
}

/// The same of a promise that was rejected.
fn rejected(reason: &str) {
    let code = format!(
        "const reason = {reason}; const promise = Promise.reject(reason); promise.catch(() => {{}}); \
         dispatchEvent(new PromiseRejectionEvent('unhandledrejection', {{ promise, reason }}))"
    );
    Function::new_no_args(&code).call0(&JsValue::NULL).unwrap();
}

#[wasm_bindgen_test]
async fn a_trap_in_the_pages_own_binary_is_said() {
    let elsewhere = "Object.assign(new Error('x'), { stack: 'Error: x at chrome-extension://a/b.js' })";
    let panic = "Object.assign(new Error('x'), { stack: 'at f (http://a/app_bg.wasm:wasm-function[12]:0x34)' })";
    let trap = "new WebAssembly.RuntimeError('unreachable')";
    for (uncaught, rejected, error, is_said) in [
        (true, false, elsewhere, false),
        (false, true, elsewhere, false),
        // A browser that refuses something has not stopped the page.
        (false, true, "new DOMException('x', 'AbortError')", false),
        (false, true, "undefined", false),
        (true, false, trap, true),
        (false, true, trap, true),
        (true, false, panic, true),
    ] {
        let fixture = Fixture::page();
        start().await;
        assert!(!fixture.hidden("not-started"), "a binary that is not there");
        // As if it had started.
        fixture.get::<HtmlElement>("not-started").set_hidden(true);
        if uncaught {
            self::uncaught(error);
        }
        if rejected {
            self::rejected(error);
        }
        assert_eq!(!fixture.hidden("stopped"), is_said, "{error}");
    }
    let fixture = Fixture::page();
    start().await;
    self::uncaught("Object.assign(new WebAssembly.CompileError('x'), { stack: 'at init (http://a/app.wasm)' })");
    assert!(!fixture.hidden("not-started") && fixture.hidden("stopped"), "one reason is enough");
    assert!(fixture.text("stopped").contains("Load the page again"), "{}", fixture.text("stopped"));
}
