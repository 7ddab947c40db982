// A Go program that leans on its runtime: goroutines on several threads, garbage to collect, signals, a child,
// arguments, environment, its own executable and a nil pointer caught from SIGSEGV.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
)

func sums(count int) int {
	var group sync.WaitGroup
	results := make(chan int, count)
	for n := 0; n < count; n++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			garbage := make([][]byte, 0)
			for i := 0; i < 50; i++ {
				garbage = append(garbage, make([]byte, 10000))
				runtime.Gosched()
			}
			results <- n * len(garbage)
		}(n)
	}
	group.Wait()
	close(results)
	total := 0
	for result := range results {
		total += result
	}
	return total
}

func caught() (what any) {
	defer func() { what = recover() }()
	var none *int
	return *none
}

func main() {
	fmt.Println(os.Args[1:], os.Getenv("TZ"), len(os.Environ()))
	executable, err := os.Executable()
	fmt.Println(filepath.Base(executable), err)
	fmt.Println(sums(100))
	debug.FreeOSMemory()
	fmt.Println(caught())

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	syscall.Kill(syscall.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-signals)

	output, err := exec.Command("/bin/sh", "-c", "echo child; exit 2").CombinedOutput()
	fmt.Printf("%q %v\n", output, err)
	os.Exit(5)
}
