// Package all links every back end into a program.
package all

import (
	_ "github.com/osprofiler-otel/osprofiler/exporter/elasticsearch"  // elasticsearch://, elasticsearch+https://, opensearch://, opensearch+https://
	_ "github.com/osprofiler-otel/osprofiler/exporter/file"           // file://
	_ "github.com/osprofiler-otel/osprofiler/exporter/jaeger"         // jaeger://, jaeger+http://, jaeger+https://
	_ "github.com/osprofiler-otel/osprofiler/exporter/loginsight"     // loginsight://
	_ "github.com/osprofiler-otel/osprofiler/exporter/messaging"      // messaging://, rabbit://, kombu://, amqp://, amqps://, kafka://
	_ "github.com/osprofiler-otel/osprofiler/exporter/mongo"          // mongodb://, mongodb+srv://
	_ "github.com/osprofiler-otel/osprofiler/exporter/otlp"           // otlp://, otlp+grpc://, otlp+grpcs://, otlp+http://, otlp+https://
	_ "github.com/osprofiler-otel/osprofiler/exporter/redis"          // redis://, rediss://, redis+unix://, redissentinel://
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/mysql"      // mysql://, mysql+pymysql://, mysql+mysqldb://
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/postgresql" // postgresql://, postgresql+psycopg2://
	_ "github.com/osprofiler-otel/osprofiler/exporter/sql/sqlite"     // sqlite://
)
