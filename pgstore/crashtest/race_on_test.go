//go:build race

package crashtest_test

// raceDetector says whether this binary has it.
const raceDetector = true
