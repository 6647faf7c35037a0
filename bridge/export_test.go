package bridge

// ForgetReplacedCaller makes the next replaced caller be reported again.
func ForgetReplacedCaller() { replacedCallerReported.Store(false) }
