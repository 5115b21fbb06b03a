package harness;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterConfig;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.util.List;
import javax.sql.DataSource;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.jdbc.core.JdbcTemplate;

/**
 * An engine with its REST interface: the one whose starter is on the class path. Every *.bpmn there is deployed at
 * start. The products share all but the names of their packages, so none of them is named here.
 */
@SpringBootApplication
public class EngineApp {

  public static void main(String[] args) {
    if (List.of(args).contains("--harness.end-with-stdin=true")) {
      endWithStandardInput();
    }
    SpringApplication.run(EngineApp.class, args);
  }

  /** Whoever started the engine holds its standard input; once he is gone, killed or not, nobody needs it any more. */
  private static void endWithStandardInput() {
    Thread watcher = new Thread(() -> {
      try {
        while (System.in.read() >= 0) {
          // What is written does not matter.
        }
      } catch (IOException broken) {
        // As good as its end.
      }
      Runtime.getRuntime().halt(0);
    }, "end-with-stdin");
    watcher.setDaemon(true);
    watcher.start();
  }

  /**
   * Basic authentication in front of the REST interface, for users of the engine (user demo, password demo, to begin
   * with). With --harness.anonymous=true a request without credentials passes, as nobody, who may do anything.
   * --harness.engine is the product's own package of the engine.
   */
  @Bean
  FilterRegistrationBean<Filter> basicAuth(@Value("${harness.engine}") String engine,
      @Value("${harness.anonymous:true}") boolean anonymous) throws ReflectiveOperationException {
    String filters = engine + ".rest.security.auth";
    Class<?> filter = Class.forName(filters + ".ProcessEngineAuthenticationFilter");
    FilterRegistrationBean<Filter> registration = new FilterRegistrationBean<>();
    registration.setName("basic-auth");
    Filter authentication = (Filter) filter.getDeclaredConstructor().newInstance();
    registration.setFilter(anonymous ? new Optional(authentication) : authentication);
    registration.addInitParameter("authentication-provider", filters + ".impl.HttpBasicAuthenticationProvider");
    registration.addUrlPatterns("/engine-rest/*");
    // A long-polling fetchAndLock is answered asynchronously, and fails behind a filter that does not allow this.
    registration.setAsyncSupported(true);
    return registration;
  }

  /** A filter for the requests that bring credentials. */
  private record Optional(Filter filter) implements Filter {

    @Override
    public void init(FilterConfig config) throws ServletException {
      filter.init(config);
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      if (((HttpServletRequest) request).getHeader("Authorization") == null) {
        chain.doFilter(request, response);
      } else {
        filter.doFilter(request, response, chain);
      }
    }

    @Override
    public void destroy() {
      filter.destroy();
    }
  }

  @Bean
  Harness harness(@Value("${harness.engine}") String engine, DataSource database) {
    return new Harness(engine, new JdbcTemplate(database));
  }

  /** What an expression of a model can have happen within a transaction of the engine: ${harness.pause(500)}. */
  public record Harness(String engine, JdbcTemplate database) {

    /** Leaves others the time to change what this transaction has read. */
    public void pause(long millis) throws InterruptedException {
      Thread.sleep(millis);
    }

    /** Keeps others from changing an external task until this transaction is over. */
    public void hold(String task) {
      database.queryForList("select ID_ from ACT_RU_EXT_TASK where ID_ = ? for update", task);
    }

    /** A listener that fails as somebody's own code in the engine may: with a code of its own. */
    public Object failing(int code) throws ReflectiveOperationException {
      Class<?> exception = Class.forName(engine + ".ProcessEngineException");
      Object failure = exception.getConstructor(String.class, int.class).newInstance("a code of our own", code);
      Class<?> listener = Class.forName(engine + ".delegate.ExecutionListener");
      return Proxy.newProxyInstance(listener.getClassLoader(), new Class<?>[] {listener}, (proxy, method, arguments) -> {
        throw (Throwable) failure;
      });
    }
  }
}
