package render_test

import (
	"log"
	"os"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/reader"
	"github.com/osprofiler-otel/osprofiler/reader/render"
)

func smallReport() *reader.Report {
	report, err := reader.BuildReport(func(yield func(osprofiler.Notification, error) bool) {
		for _, half := range []struct{ name, second string }{{"backup-start", "00.000000"}, {"backup-stop", "01.250000"}} {
			n := osprofiler.Notification{
				Name: half.name, BaseID: "b0", TraceID: "t1", ParentID: "b0", Timestamp: "2024-05-06T07:08:" + half.second,
				Info: `{"volume": "v7", "host": "c1"}`, Project: "cinder", Service: "volume",
			}
			if !yield(n, nil) {
				return
			}
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	return report
}

func ExampleText() {
	if err := render.Text(os.Stdout, smallReport(), render.WithWidth(60), render.WithColor(false)); err != nil {
		log.Fatal(err)
	}
	// Output:
	// Trace b0
	// 2024-05-06 07:08:00.000 UTC · 1.25 s · 1 operation
	//
	//                                             0        1.25 s
	// volume:backup  volume=v7            1.25 s │███████████████│
	//
	// service  project  hosts  operations
	// volume   cinder   c1              1
	//
	// operation  count   total    mean
	// backup         1  1.25 s  1.25 s
}

func ExampleDot() {
	if err := render.Dot(os.Stdout, smallReport()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// digraph {
	// 	0 [label="total - 1250 ms"]
	// 	1 [label="volume:backup - 1250 ms"]
	// 	0 -> 1
	// }
}

func ExampleJSON() {
	if err := render.JSON(os.Stdout, smallReport()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {
	//   "info": {
	//     "name": "total",
	//     "started": 0,
	//     "finished": 1250,
	//     "last_trace_started": 0
	//   },
	//   "children": [
	//     {
	//       "info": {
	//         "name": "backup",
	//         "project": "cinder",
	//         "service": "volume",
	//         "host": "c1",
	//         "meta.raw_payload.backup-start": {
	//           "name": "backup-start",
	//           "base_id": "b0",
	//           "trace_id": "t1",
	//           "parent_id": "b0",
	//           "timestamp": "2024-05-06T07:08:00.000000",
	//           "info": {
	//             "volume": "v7",
	//             "host": "c1"
	//           },
	//           "project": "cinder",
	//           "service": "volume"
	//         },
	//         "started": 0,
	//         "meta.raw_payload.backup-stop": {
	//           "name": "backup-stop",
	//           "base_id": "b0",
	//           "trace_id": "t1",
	//           "parent_id": "b0",
	//           "timestamp": "2024-05-06T07:08:01.250000",
	//           "info": {
	//             "volume": "v7",
	//             "host": "c1"
	//           },
	//           "project": "cinder",
	//           "service": "volume"
	//         },
	//         "finished": 1250,
	//         "exception": "None"
	//       },
	//       "trace_id": "t1",
	//       "parent_id": "b0",
	//       "children": []
	//     }
	//   ],
	//   "stats": {
	//     "backup": {
	//       "count": 1,
	//       "duration": 1250
	//     }
	//   }
	// }
}
