// Measures provers in turn, in a browser or in Node. Every round makes one proof with each, so that
// other work on the machine affects all of them.

/** Returns the median and the minimum of each contender in milliseconds. */
export async function inTurn(contenders, rounds) {
  const times = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, { run }] of contenders.entries()) {
      const start = performance.now();
      await run();
      times[index].push(performance.now() - start);
    }
  }
  return Object.fromEntries(
    contenders.map(({ name }, index) => {
      const sorted = times[index].sort((x, y) => x - y);
      return [name, { median: sorted[sorted.length >> 1], minimum: sorted[0] }];
    }),
  );
}

/**
 * Measures every build with one and with two workers, and the other contenders. Each makes a proof
 * before the measurement, because engines compile code in the meantime.
 */
export async function measure({ createProver, accepts, load, worker, key, inputs, others, rounds }) {
  const provers = [];
  for (const build of ['fused', 'baseline'].filter(accepts)) {
    for (const workers of [1, 2]) {
      const start = performance.now();
      const prover = await createProver({ builds: [build], load, worker, key: key.slice(), workers });
      const started = performance.now() - start;
      await prover.prove(inputs);
      const first = performance.now() - start;
      provers.push({ name: `${build}_${workers}`, run: () => prover.prove(inputs), prover, started, first });
    }
  }
  for (const { run } of others) await run();
  const times = await inTurn([...provers, ...others], rounds);
  for (const { name, prover, started, first } of provers) {
    Object.assign(times[name], { started, first, memory: await prover.memory() });
    prover.end();
  }
  return times;
}
