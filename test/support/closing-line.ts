// The last line of the suite, in the form that CI reads whatever the language: `N passed, N failed`.
import type { Reporter, TestModule } from 'vitest/node';

class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let passed = 0;
    let failed = 0;
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        if (test.result().state === 'passed') passed += 1;
        if (test.result().state === 'failed') failed += 1;
      }
      if (module.state() === 'failed' && module.errors().length > 0) failed += 1;
    }
    // After the other reporters' summaries, which are written in the same tick.
    process.on('exit', (code) => {
      // What fails around the tests, as a set-up does, is a failure too.
      const failures = code !== 0 && failed === 0 ? 1 : failed;
      console.log(`${passed} passed, ${failures} failed`);
    });
  }
}

export { ClosingLine as default };
